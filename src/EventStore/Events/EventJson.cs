using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Framelease.EventStore;

/// <summary>How event data is written: camelCase names, enums by name, nulls left out. Decided once; docs/marten.md gives a reader's options.</summary>
public static class EventJson
{
    /// <param name="resolver">A source-generated context, for start-up time and memory; by default reflection.</param>
    public static JsonSerializerOptions CreateOptions(IJsonTypeInfoResolver? resolver = null)
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            // jsonb does not keep the order of keys
            AllowOutOfOrderMetadataProperties = true,
            TypeInfoResolver = resolver ?? new DefaultJsonTypeInfoResolver(),
        };
        options.Converters.Add(new JsonStringEnumConverter());
        return options;
    }
}
