using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

/// <summary>
/// A set of paths into an object, as a tree whose edges are written as <c>fieldsV1</c> writes them: <c>f:name</c> for a member,
/// <c>k:{"name":"a"}</c> for an element found by its keys, <c>v:"x"</c> for an element found by its value. A path is in the set when
/// its node is a member; a node that only leads to members is not. Sets are not changed once they are built.
/// </summary>
sealed class FieldSet
{
    public static readonly FieldSet Empty = new();

    // Ordinal order is the order of fieldsV1: ".", members, keyed elements, values.
    readonly SortedDictionary<string, FieldSet> _children = new(StringComparer.Ordinal);

    public bool IsMember { get; private set; }

    public IEnumerable<KeyValuePair<string, FieldSet>> Children => _children;

    public bool IsEmpty => !IsMember && _children.Values.All(child => child.IsEmpty);

    public FieldSet? Find(string element) => _children.GetValueOrDefault(element);

    /// <summary>The node of an element, made when it is not there. Only while a set is being built.</summary>
    public FieldSet At(string element)
    {
        if (!_children.TryGetValue(element, out var child))
            _children[element] = child = new FieldSet();
        return child;
    }

    /// <summary>Puts this node's own path into the set. Only while a set is being built.</summary>
    public void Include() => IsMember = true;

    public static FieldSet Union(FieldSet left, FieldSet right) => Combine(left, right, (inLeft, inRight) => inLeft || inRight);

    public static FieldSet Intersection(FieldSet left, FieldSet right) => Combine(left, right, (inLeft, inRight) => inLeft && inRight);

    /// <summary>The paths of the first set that are not in the second. What is below a removed path stays.</summary>
    public static FieldSet Difference(FieldSet left, FieldSet right) => Combine(left, right, (inLeft, inRight) => inLeft && !inRight);

    public static bool Same(FieldSet left, FieldSet right) =>
        Combine(left, right, (inLeft, inRight) => inLeft != inRight).IsEmpty;

    /// <summary>Every path, members of a level before what is below it, in the notation of conflict messages.</summary>
    public IEnumerable<string> Paths(string prefix = "")
    {
        foreach (var (element, child) in _children)
        {
            if (child.IsMember)
                yield return prefix + FieldPath.Show(element);
        }

        foreach (var (element, child) in _children)
        {
            foreach (var path in child.Paths(prefix + FieldPath.Show(element)))
                yield return path;
        }
    }

    public JsonObject ToJson()
    {
        var json = new JsonObject();
        foreach (var (element, child) in _children)
        {
            if (child.IsEmpty)
                continue;
            var inner = child.ToJson();
            if (child.IsMember && inner.Count > 0)
                inner.Insert(0, ".", new JsonObject());
            json[element] = inner;
        }

        return json;
    }

    public static FieldSet Read(JsonObject fields)
    {
        var set = new FieldSet();
        foreach (var (element, inner) in fields)
        {
            if (element == ".")
                set.Include();
            else if (inner is JsonObject { Count: > 0 } deeper)
                set._children[element] = Read(deeper);
            else
                set.At(element).Include();
        }

        return set;
    }

    static FieldSet Combine(FieldSet left, FieldSet right, Func<bool, bool, bool> rule)
    {
        var result = new FieldSet { IsMember = rule(left.IsMember, right.IsMember) };
        foreach (var (element, child) in left._children)
            Add(result, element, Combine(child, right.Find(element) ?? Empty, rule));
        foreach (var (element, child) in right._children)
        {
            if (!left._children.ContainsKey(element))
                Add(result, element, Combine(Empty, child, rule));
        }

        return result;
    }

    static void Add(FieldSet parent, string element, FieldSet child)
    {
        if (child.IsMember || child._children.Count > 0)
            parent._children[element] = child;
    }
}
