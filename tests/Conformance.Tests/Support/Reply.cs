using System.Net.Http.Headers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Framelease.Conformance.Tests.Support;

/// <summary>What the server answered.</summary>
public sealed record Reply(int Code, string Text, HttpResponseHeaders Headers, string ContentType)
{
    public JsonObject Json => JsonNode.Parse(Text)!.AsObject();

    public string Reason => Json["reason"]?.GetValue<string>() ?? "";

    public string Message => Json["message"]?.GetValue<string>() ?? "";

    public string Revision => Json["metadata"]!["resourceVersion"]!.GetValue<string>();

    public string Uid => Json["metadata"]!["uid"]!.GetValue<string>();

    public string Name => Json["metadata"]!["name"]!.GetValue<string>();

    public IReadOnlyList<string> Warnings => Headers.TryGetValues("Warning", out var values) ? [.. values] : [];

    public IEnumerable<JsonObject> Items => Json["items"]!.AsArray().Select(item => item!.AsObject());

    public IEnumerable<string> Names => Items.Select(item => item["metadata"]!["name"]!.GetValue<string>());

    /// <summary>Fields of the causes of an Invalid status.</summary>
    public IEnumerable<string> Fields => Json["details"]?["causes"]?.AsArray().Select(cause => cause!["field"]?.GetValue<string>() ?? "") ?? [];

    /// <summary>What a manager owns, as fieldsV1 without spaces; empty when it has no entry.</summary>
    public string Owned(string manager, string operation, string subresource = "") => Json["metadata"]!["managedFields"]?.AsArray()
        .SingleOrDefault(entry => entry!["manager"]!.GetValue<string>() == manager && entry["operation"]!.GetValue<string>() == operation
            && (entry["subresource"]?.GetValue<string>() ?? "") == subresource)?["fieldsV1"]!.ToJsonString(Plain) ?? "";

    // Keys hold quotes, which stay readable this way.
    static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public Reply ShouldBe(int code)
    {
        Code.ShouldBe(code, Text);
        return this;
    }

    public Reply ShouldFail(int code, string reason)
    {
        Code.ShouldBe(code, Text);
        Reason.ShouldBe(reason, Text);
        Json["kind"]!.GetValue<string>().ShouldBe("Status");
        Json["status"]!.GetValue<string>().ShouldBe("Failure");
        Json["code"]!.GetValue<int>().ShouldBe(code);
        return this;
    }
}
