namespace Framelease.LocalCluster.ApiServer.Cel;

/// <summary>A rule uses something that this evaluator does not know. The rule is reported, never skipped silently.</summary>
sealed class CelSyntaxException(string message) : Exception(message);

/// <summary>An expression of the subset of the Common Expression Language that is evaluated here.</summary>
abstract record CelNode
{
    CelNode()
    {
    }

    public sealed record Literal(object? Value) : CelNode;

    public sealed record Name(string Id) : CelNode;

    /// <summary><c>target.field</c>, or with <paramref name="TestOnly"/> <c>has(target.field)</c>.</summary>
    public sealed record Select(CelNode Target, string Field, bool TestOnly) : CelNode;

    public sealed record Index(CelNode Target, CelNode Key) : CelNode;

    public sealed record Unary(string Operator, CelNode Operand) : CelNode;

    public sealed record Binary(string Operator, CelNode Left, CelNode Right) : CelNode;

    public sealed record Conditional(CelNode Test, CelNode Then, CelNode Else) : CelNode;

    public sealed record List(IReadOnlyList<CelNode> Items) : CelNode;

    /// <summary>A function; methods pass their target as the first argument.</summary>
    public sealed record Call(string Function, IReadOnlyList<CelNode> Arguments) : CelNode;

    /// <summary><c>range.all(variable, body)</c> and its relatives.</summary>
    public sealed record Comprehension(string Macro, CelNode Range, string Variable, CelNode Body) : CelNode;
}
