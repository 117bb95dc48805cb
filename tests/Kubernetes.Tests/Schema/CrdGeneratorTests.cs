// Records to definitions: one golden case with everything in it, and a table of what is refused.
using System.Text.Json;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;

namespace Framelease.Kubernetes.Tests.Schema;

public sealed class CrdGeneratorTests
{
    [Fact]
    public void A_record_with_everything_becomes_the_expected_definition()
    {
        var expected = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "testassets", "widgets.yaml"));
        CrdGenerator.GenerateYaml(typeof(Widget)).ShouldBe(expected);
    }

    [Fact]
    public void The_file_is_named_by_the_plural() => CrdGenerator.FileName(typeof(Widget)).ShouldBe("widgets.yaml");

    [Theory]
    [InlineData(typeof(NoText), "Bad.spec.text", "[Length(minimum, maximum)]")]
    [InlineData(typeof(NoRange), "Bad.spec.number", "[Range(minimum, maximum)]")]
    [InlineData(typeof(NoItems), "Bad.spec.list", "[Items(minimum, maximum)]")]
    [InlineData(typeof(NoMapItems), "Bad.spec.map", "[Items(minimum, maximum)]")]
    [InlineData(typeof(Fraction), "Bad.spec.share", "no fractions")]
    [InlineData(typeof(AnyJson), "Bad.spec.any", "[PreserveUnknownFields]")]
    [InlineData(typeof(Recursive), "Bad.spec.inner", "contains itself")]
    [InlineData(typeof(KeyNotRequired), "Bad.spec.list", "must be [Required] or have a [Default]")]
    [InlineData(typeof(KeyUnknown), "Bad.spec.list", "no such property")]
    [InlineData(typeof(BadDefault), "Bad.spec.text", "not JSON")]
    [InlineData(typeof(DeepNoText), "Bad.spec.inner.deep[].text", "[Length(minimum, maximum)]")]
    public void What_has_no_bounds_or_no_schema_is_refused_by_its_path(Type spec, string path, string hint)
    {
        var error = Should.Throw<SchemaException>(() => CrdGenerator.Generate(typeof(Bad<>).MakeGenericType(spec)));
        error.Path.ShouldBe(path.Replace("Bad", "Bad`1", StringComparison.Ordinal));
        error.Message.ShouldContain(hint);
    }

    [Theory]
    [InlineData(typeof(SelectsMetadata), "selectable field '.metadata.name': it must begin with .spec. or .status.")]
    [InlineData(typeof(SelectsNothing), "selectable field '.spec.nothing': no such property")]
    [InlineData(typeof(SelectsList), "selectable field '.spec.names' has type array: it must be string, integer, boolean")]
    [InlineData(typeof(ScalesText), "scale: specReplicasPath '.spec.name' has type string: it must be integer")]
    [InlineData(typeof(ScalesSpecTwice), "scale: statusReplicasPath '.spec.size': it must begin with .status.")]
    public void A_path_that_leads_nowhere_is_refused(Type type, string message) =>
        Should.Throw<SchemaException>(() => CrdGenerator.Generate(type)).Message.ShouldContain(message);

    [Fact]
    public void A_kind_may_be_scaled_without_a_label_selector() => CrdGenerator.Generate(typeof(Scales))["spec"]!["versions"]![0]!["subresources"]!["scale"]!
        .ToJsonString().ShouldBe("""{"specReplicasPath":".spec.size","statusReplicasPath":".status.size"}""");

    [KubernetesEntity("tests.example", "v1", "Bad", "bads"), SelectableField(".metadata.name")]
    sealed record SelectsMetadata : Sized;

    [KubernetesEntity("tests.example", "v1", "Bad", "bads"), SelectableField(".spec.nothing")]
    sealed record SelectsNothing : Sized;

    [KubernetesEntity("tests.example", "v1", "Bad", "bads"), SelectableField(".spec.names")]
    sealed record SelectsList : Sized;

    [KubernetesEntity("tests.example", "v1", "Bad", "bads"), ScaleSubresource(".spec.name", ".status.size")]
    sealed record ScalesText : Sized;

    [KubernetesEntity("tests.example", "v1", "Bad", "bads"), ScaleSubresource(".spec.size", ".spec.size")]
    sealed record ScalesSpecTwice : Sized;

    [KubernetesEntity("tests.example", "v1", "Good", "goods"), ScaleSubresource(".spec.size", ".status.size")]
    sealed record Scales : Sized;

    abstract record Sized : KubernetesObject
    {
        public SizedSpec? Spec { get; init; }

        public SizedStatus? Status { get; init; }
    }

    sealed record SizedSpec([property: Range(0, 9)] int Size, [property: Length(1, 9)] string Name, [property: Items(0, 5)] IReadOnlyList<string> Names);

    sealed record SizedStatus(int Size);

    [Fact]
    public void A_status_needs_no_bounds() => CrdGenerator.Generate(typeof(OnlyStatus))["spec"].ShouldNotBeNull();

    [KubernetesEntity("tests.example", "v1", "Bad", "bads")]
    sealed record Bad<T> : KubernetesObject
    {
        public T? Spec { get; init; }
    }

    [KubernetesEntity("tests.example", "v1", "Only", "onlies")]
    sealed record OnlyStatus : KubernetesObject
    {
        public DeepNoText? Status { get; init; }
    }

    sealed record NoText(string Text);

    sealed record NoRange(int Number);

    sealed record NoItems([property: Length(1, 5)] IReadOnlyList<string> List);

    sealed record NoMapItems(IReadOnlyDictionary<string, string> Map);

    sealed record Fraction(double Share);

    sealed record AnyJson(JsonElement Any);

    sealed record Recursive
    {
        public Recursive? Inner { get; init; }
    }

    sealed record BadDefault([property: Length(0, 5), Default("abc")] string Text);

    sealed record KeyNotRequired([property: ListMap("name"), Items(0, 5)] IReadOnlyList<Named> List);

    sealed record KeyUnknown([property: ListMap("id"), Items(0, 5)] IReadOnlyList<Named> List);

    sealed record Named([property: Length(1, 5)] string Name);

    sealed record DeepNoText(DeepInner? Inner);

    sealed record DeepInner([property: Items(0, 5)] IReadOnlyList<NoText> Deep);
}

[KubernetesEntity("tests.example", "v1beta1", "Widget", "widgets", Namespaced = false)]
[CustomResource(ShortNames = ["wg", "wid"], Categories = ["all"])]
[PrinterColumn("Size", "integer", ".spec.size")]
[PrinterColumn("Age", "date", ".metadata.creationTimestamp", Priority = 1, Description = "since when")]
[SelectableField(".spec.name")]
[SelectableField(".spec.size")]
[ScaleSubresource(".spec.count", ".status.count", LabelSelectorPath = ".status.selector")]
[Description("A thing to test with: everything a record can say.")]
[ValidationRule("size(self.spec.names) > 0", "names must not be empty")]
public sealed record Widget : KubernetesObject
{
    [Required, ValidationRule("self == oldSelf", "spec is immutable")]
    public WidgetSpec Spec { get; init; } = new();

    public WidgetStatus? Status { get; init; }
}

public sealed record WidgetSpec
{
    [Required, Range(-5, 9000000000)]
    public long Size { get; init; }

    [Range(0, 10), Default("3")]
    public int? Count { get; init; }

    [Length(1, 63), Pattern("^[a-z]+$"), Default("\"abc\""), Description("Its name")]
    public string? Name { get; init; }

    [Default("\"DarkBlue\"")]
    public WidgetTint? Tint { get; init; }

    [Default("true")]
    public bool? On { get; init; }

    public DateTimeOffset? Since { get; init; }

    [DateTimeFormat]
    public string? Until { get; init; }

    [Required, ListSet, Items(1, 4, ItemMaxLength = 63), Pattern("^[a-z]$")]
    public IReadOnlyList<string> Names { get; init; } = [];

    [Items(0, 3), Range(1, 9)]
    public IReadOnlyList<int>? Numbers { get; init; }

    [ListMap("key", "other"), Items(0, 16)]
    public IReadOnlyList<WidgetPart>? Parts { get; init; }

    [Items(1, 8, ItemMaxLength = 20)]
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    [IntOrString, Items(0, 5, ItemMaxLength = 9)]
    public IReadOnlyDictionary<string, JsonElement>? Mixed { get; init; }

    [IntOrString, Length(1, 12)]
    public string? Amount { get; init; }

    [PreserveUnknownFields]
    public JsonElement? Anything { get; init; }

    [System.Text.Json.Serialization.JsonIgnore]
    public string? Hidden { get; init; }
}

public enum WidgetTint
{
    Red,
    DarkBlue,
}

public sealed record WidgetPart
{
    [Required, Length(1, 63)]
    public string Key { get; init; } = "";

    [Length(0, 9), Default("\"x\"")]
    public string? Other { get; init; }
}

public sealed record WidgetStatus
{
    public string? Phase { get; init; }

    [ListMap("type"), Items(0, 16)]
    public IReadOnlyList<Condition>? Conditions { get; init; }

    public int? Count { get; init; }

    public string? Selector { get; init; }
}
