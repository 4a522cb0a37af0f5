// Command tidbparse checks SQL statements against TiDB's own grammar; README.md says what goes in and comes out.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/mysql"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // literal values for the AST
)

type statement struct{ Name, SQL, Expect string }

// uses collects the names that one statement refers to, in lower case.
type uses struct{ tables, functions, variables []string }

func (u *uses) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.TableName:
		u.tables = append(u.tables, strings.TrimPrefix(n.Schema.L+"."+n.Name.L, "."))
	case *ast.FuncCallExpr:
		u.functions = append(u.functions, strings.TrimPrefix(n.Schema.L+"."+n.FnName.L, "."))
	case *ast.AggregateFuncExpr:
		u.functions = append(u.functions, strings.ToLower(n.F))
	case *ast.WindowFuncExpr:
		u.functions = append(u.functions, strings.ToLower(n.Name))
	case *ast.VariableExpr:
		u.variables = append(u.variables, strings.ToLower(n.Name))
	}
	return n, false
}

func (u *uses) Leave(n ast.Node) (ast.Node, bool) { return n, true }

func names(list []string) string {
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}

func describe(nodes []ast.StmtNode) string {
	kinds, u := []string{}, &uses{}
	for _, n := range nodes {
		kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", n), "*ast."))
		n.Accept(u)
	}
	return fmt.Sprintf("kinds=%s tables=%s functions=%s variables=%s",
		strings.Join(kinds, ","), names(u.tables), names(u.functions), names(u.variables))
}

func main() {
	mode := flag.String("sql-mode", mysql.DefaultSQLMode, "sql_mode to parse under")
	ast := flag.Bool("ast", false, "print root types, tables, functions and variables of accepted statements")
	flag.Parse()
	sqlMode, err := mysql.GetSQLMode(*mode)
	fatal(err)
	p := parser.New()
	p.SetSQLMode(sqlMode)

	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 64<<20)
	total, bad, shapes := 0, 0, map[string]bool{}
	for in.Scan() {
		if strings.TrimSpace(in.Text()) == "" {
			continue
		}
		var s statement
		fatal(json.Unmarshal(in.Bytes(), &s))
		total++
		nodes, _, err := p.ParseSQL(s.SQL)
		_, digest := parser.NormalizeDigest(s.SQL)
		shapes[digest.String()] = true
		state, detail := "ok", ""
		if err != nil {
			state, detail = "error", strings.Join(strings.Fields(err.Error()), " ")
		} else if *ast {
			detail = describe(nodes)
		}
		prefix := ""
		if (err != nil) != (s.Expect == "error") {
			bad++
			prefix = "BAD "
		}
		fmt.Printf("%s%s\t%s\t%s\n", prefix, s.Name, state, detail)
	}
	fatal(in.Err())
	fmt.Fprintf(os.Stderr, "%d statements of %d shapes, %d unexpected\n", total, len(shapes), bad)
	if bad > 0 || total == 0 {
		os.Exit(1)
	}
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "tidbparse:", err)
		os.Exit(2)
	}
}
