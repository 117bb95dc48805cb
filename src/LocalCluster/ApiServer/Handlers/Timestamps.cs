using System.Globalization;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Times as Kubernetes writes them.</summary>
static class Timestamps
{
    /// <summary>Whole seconds, UTC.</summary>
    public static string Format(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static DateTimeOffset? Parse(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
