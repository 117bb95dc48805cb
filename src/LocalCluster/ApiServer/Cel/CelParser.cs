namespace Framelease.LocalCluster.ApiServer.Cel;

/// <summary>Builds the tree of a rule by recursive descent, and refuses names and functions that the evaluator does not have.</summary>
sealed class CelParser
{
    const int MaxDepth = 64;

    static readonly string[][] BinaryLevels = [["||"], ["&&"], ["==", "!=", "<", "<=", ">", ">=", "in"], ["+", "-"], ["*", "/", "%"]];
    static readonly string[] Macros = ["all", "exists", "exists_one", "filter", "map"];

    readonly List<CelToken> _tokens;
    readonly List<string> _variables = ["self", "oldSelf"];
    int _at;
    int _depth;

    CelParser(List<CelToken> tokens) => _tokens = tokens;

    public static CelNode Parse(string text)
    {
        var parser = new CelParser(CelLexer.Read(text));
        var tree = parser.Expression();
        return parser.Peek.Kind == CelTokenKind.End ? tree : throw parser.Unexpected();
    }

    CelToken Peek => _tokens[_at];

    CelNode Expression()
    {
        if (++_depth > MaxDepth)
            throw new CelSyntaxException($"the rule is nested deeper than {MaxDepth} levels");
        var test = Binary(0);
        if (TryTake("?"))
        {
            var then = Expression();
            Take(":");
            test = new CelNode.Conditional(test, then, Expression());
        }

        _depth--;
        return test;
    }

    CelNode Binary(int level)
    {
        if (level == BinaryLevels.Length)
            return Unary();
        var left = Binary(level + 1);
        while (Peek.Kind == CelTokenKind.Symbol && BinaryLevels[level].Contains(Peek.Text))
        {
            var symbol = _tokens[_at++].Text;
            left = new CelNode.Binary(symbol, left, Binary(level + 1));
        }

        return left;
    }

    CelNode Unary()
    {
        if (TryTake("!"))
            return new CelNode.Unary("!", Unary());
        return TryTake("-") ? new CelNode.Unary("-", Unary()) : Member();
    }

    CelNode Member()
    {
        var target = Primary();
        while (true)
        {
            if (TryTake("["))
            {
                target = new CelNode.Index(target, Expression());
                Take("]");
            }
            else if (TryTake("."))
            {
                var name = TakeName();
                target = TryTake("(") ? Method(target, name) : new CelNode.Select(target, Unescape(name), TestOnly: false);
            }
            else
            {
                return target;
            }
        }
    }

    CelNode Method(CelNode target, string name)
    {
        if (!Macros.Contains(name))
            return Call(name, [target, .. Arguments(")")]);
        var variable = TakeName();
        Take(",");
        _variables.Add(variable);
        var body = Expression();
        _variables.RemoveAt(_variables.Count - 1);
        Take(")");
        return new CelNode.Comprehension(name, target, variable, body);
    }

    CelNode Primary()
    {
        var token = _tokens[_at++];
        switch (token)
        {
            case { Kind: CelTokenKind.Value }:
                return new CelNode.Literal(token.Value);
            case { Kind: CelTokenKind.Symbol, Text: "(" }:
                var inner = Expression();
                Take(")");
                return inner;
            case { Kind: CelTokenKind.Symbol, Text: "[" }:
                return new CelNode.List(Arguments("]"));
            case { Kind: CelTokenKind.Name, Text: "has" } when TryTake("("):
                var field = Expression();
                Take(")");
                return field is CelNode.Select select ? select with { TestOnly = true }
                    : throw new CelSyntaxException("has(…) takes a field such as has(self.name)");
            case { Kind: CelTokenKind.Name } when TryTake("("):
                return Call(token.Text, Arguments(")"));
            case { Kind: CelTokenKind.Name } when _variables.Contains(token.Text):
                return new CelNode.Name(token.Text);
            case { Kind: CelTokenKind.Name }:
                throw new CelSyntaxException($"undeclared name '{token.Text}'");
            default:
                _at--;
                throw Unexpected();
        }
    }

    static CelNode Call(string function, List<CelNode> arguments) => CelFunctions.Has(function, arguments.Count)
        ? new CelNode.Call(function, arguments)
        : throw new CelSyntaxException($"function '{function}' with {arguments.Count} argument(s) is not known here");

    List<CelNode> Arguments(string close)
    {
        var arguments = new List<CelNode>();
        while (!TryTake(close))
        {
            if (arguments.Count > 0)
                Take(",");
            arguments.Add(Expression());
        }

        return arguments;
    }

    // Fields whose names are keywords of the language are written between double underscores.
    static string Unescape(string name) => name.Replace("__dash__", "-").Replace("__dot__", ".").Replace("__slash__", "/")
        is var plain && plain.Length > 4 && plain.StartsWith("__", StringComparison.Ordinal) && plain.EndsWith("__", StringComparison.Ordinal)
        ? plain[2..^2] : plain;

    string TakeName() => Peek.Kind == CelTokenKind.Name ? _tokens[_at++].Text : throw Unexpected();

    bool TryTake(string symbol)
    {
        if (Peek.Kind != CelTokenKind.Symbol || Peek.Text != symbol)
            return false;
        _at++;
        return true;
    }

    void Take(string symbol)
    {
        if (!TryTake(symbol))
            throw Unexpected();
    }

    CelSyntaxException Unexpected() => new($"unexpected {Peek.Text}");
}
