using System.Globalization;
using System.Runtime.InteropServices;

namespace Framelease.ObjectStorage;

/// <summary>A range of bytes as HTTP has it: from–to (inclusive), from–end, or the last so many.</summary>
/// <param name="From">First byte; null = <paramref name="To"/> counts from the end.</param>
/// <param name="To">Last byte, inclusive; null = to the end. Without From: how many bytes from the end.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ByteRange(long? From, long? To)
{
    /// <summary>Reads <c>bytes=0-499</c>, <c>bytes=500-</c> or <c>bytes=-500</c>; several ranges are not served (RFC 9110 lets a server ignore them).</summary>
    public static bool TryParse(string? header, out ByteRange range)
    {
        range = default;
        const string unit = "bytes=";
        if (header is null || !header.StartsWith(unit, StringComparison.OrdinalIgnoreCase))
            return false;
        var text = header.AsSpan(unit.Length).Trim();
        var dash = text.IndexOf('-');
        if (dash < 0 || !Part(text[..dash], out var from) || !Part(text[(dash + 1)..], out var to) || (from is null && to is null) || to < from)
            return false;
        range = new ByteRange(from, to);
        return true;
    }

    /// <exception cref="ObjectStoreException"><see cref="ObjectStoreError.RangeNotSatisfiable"/>.</exception>
    public (long Offset, long Length) Within(long size)
    {
        var offset = From ?? Math.Max(0, size - (To ?? 0));
        var end = From is null ? size : Math.Min(size, To is { } to && to < long.MaxValue ? to + 1 : size);
        return offset < size && end > offset
            ? (offset, end - offset)
            : throw new ObjectStoreException(ObjectStoreError.RangeNotSatisfiable, $"The range starts at byte {offset}, but the object has {size} bytes.");
    }

    static bool Part(ReadOnlySpan<char> text, out long? value)
    {
        value = null;
        if (text.IsEmpty)
            return true;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        value = number;
        return true;
    }
}
