using System.Buffers;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Framelease.LocalCluster.ApiServer.Tables;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

enum RepresentationForm
{
    /// <summary>Whole objects.</summary>
    Objects,

    /// <summary>Rows that kubectl prints.</summary>
    Table,

    /// <summary>Only metadata.</summary>
    Metadata,
}

/// <summary>The form in which the client wants objects, from its Accept header.</summary>
sealed record Representation(RepresentationForm Form, string MetaVersion, string IncludeObject)
{
    public static Representation From(HttpRequest request)
    {
        var accept = request.Headers.Accept.ToString();
        if (accept.Length == 0)
            return new(RepresentationForm.Objects, "", "");
        foreach (var range in accept.Split(','))
        {
            var parts = range.Split(';', StringSplitOptions.TrimEntries);
            if (parts[0] is not ("application/json" or "*/*" or "application/*"))
                continue;
            string? Parameter(string name) => parts.FirstOrDefault(part => part.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];
            if (Parameter("as") is not { } form)
                return new(RepresentationForm.Objects, "", "");
            var version = Parameter("v") ?? "v1";
            if (Parameter("g") is not ("meta.k8s.io" or null) || version is not ("v1" or "v1beta1"))
                continue;
            if (form == "Table")
                return new(RepresentationForm.Table, version, request.Query["includeObject"].ToString());
            if (form is "PartialObjectMetadata" or "PartialObjectMetadataList")
                return new(RepresentationForm.Metadata, version, "");
        }

        throw ApiErrors.NotAcceptable("only the following media types are accepted: application/json");
    }

    public string ApiVersion => $"meta.k8s.io/{MetaVersion}";

    /// <summary>One object.</summary>
    public byte[] One(StoredObject item, ResourceType type, DateTimeOffset now) => Form switch
    {
        RepresentationForm.Objects => Bytes(item, type),
        RepresentationForm.Metadata => JsonWriting.ToUtf8(OnlyMetadata(ObjectOperations.Serve(item, type))),
        _ => JsonWriting.ToUtf8(TableWriter.Table(this, type, item.Revision, [ObjectOperations.Serve(item, type)], now)),
    };

    public byte[] One(JsonObject item, ResourceType type, DateTimeOffset now) => Form switch
    {
        RepresentationForm.Objects => JsonWriting.ToUtf8(item),
        RepresentationForm.Metadata => JsonWriting.ToUtf8(OnlyMetadata(item)),
        _ => JsonWriting.ToUtf8(TableWriter.Table(this, type, null, [item], now)),
    };

    /// <summary>A list, written straight from the stored bytes where whole objects are wanted.</summary>
    public void List(IBufferWriter<byte> output, ResourceType type, ListPage page, DateTimeOffset now)
    {
        if (Form == RepresentationForm.Table)
        {
            var table = TableWriter.Table(this, type, page.Revision, page.Items.Select(item => ObjectOperations.Serve(item, type)), now);
            page.AddPaging((JsonObject)table["metadata"]!);
            JsonWriting.Write(output, table);
            return;
        }

        var metadata = new JsonObject { ["resourceVersion"] = page.Revision.ToString() };
        page.AddPaging(metadata);
        var isObjects = Form == RepresentationForm.Objects;
        Text(output, $"{{\"kind\":\"{(isObjects ? type.ListKind : "PartialObjectMetadataList")}\",\"apiVersion\":\"{(isObjects ? type.ApiVersion : ApiVersion)}\",\"metadata\":");
        JsonWriting.Write(output, metadata);
        output.Write(",\"items\":["u8);
        var first = true;
        foreach (var item in page.Items)
        {
            if (!first)
                output.Write(","u8);
            first = false;
            if (isObjects)
                output.Write(Bytes(item, type));
            else
                JsonWriting.Write(output, OnlyMetadata(ObjectOperations.Serve(item, type)));
        }

        output.Write("]}"u8);
    }

    public JsonObject OnlyMetadata(JsonObject item) => new()
    {
        ["kind"] = "PartialObjectMetadata",
        ["apiVersion"] = ApiVersion,
        ["metadata"] = item["metadata"]?.DeepClone(),
    };

    static byte[] Bytes(StoredObject item, ResourceType type) =>
        type.Strategy.IsServedAsStored(type) ? item.Json : JsonWriting.ToUtf8(ObjectOperations.Serve(item, type));

    static void Text(IBufferWriter<byte> output, string text) => output.Write(System.Text.Encoding.UTF8.GetBytes(text));
}
