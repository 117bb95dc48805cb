using System.Text;

namespace Framelease.ObjectStorage;

/// <summary>
/// What a key may be, in every backend: the part of S3's rules that file systems and URLs carry unchanged.
/// 1–1024 bytes of UTF-8; segments between slashes of 1–239 bytes; no "." or "..", no control character, no backslash.
/// </summary>
public static class ObjectKey
{
    public const int MaxBytes = 1024;

    /// <summary>Room for the directory backend's suffix within the 255 bytes of a file name.</summary>
    public const int MaxSegmentBytes = 255 - 16;

    /// <exception cref="ObjectStoreException"><see cref="ObjectStoreError.InvalidKey"/>.</exception>
    public static void Validate(string key)
    {
        if (Problem(key) is { } problem)
            throw new ObjectStoreException(ObjectStoreError.InvalidKey, $"The object key {Shown(key)} is not valid: {problem}.");
    }

    /// <summary>What is wrong with a key, for people; null when it is valid.</summary>
    public static string? Problem(string? key)
    {
        if (string.IsNullOrEmpty(key))
            return "it is empty";
        if (key.Length > MaxBytes || Encoding.UTF8.GetByteCount(key) > MaxBytes)
            return $"it is longer than {MaxBytes} bytes";
        if (key[0] == '/')
            return "it begins with '/'; keys are relative";
        if (CharacterProblem(key) is { } character)
            return character;
        foreach (var range in key.AsSpan().Split('/'))
        {
            var segment = key.AsSpan()[range];
            if (segment.IsEmpty)
                return "it has an empty segment ('//' or a trailing '/')";
            if (segment is "." or "..")
                return $"the segment '{segment}' is not allowed";
            if (Encoding.UTF8.GetByteCount(segment) > MaxSegmentBytes)
                return $"a segment is longer than {MaxSegmentBytes} bytes";
            if (segment.EndsWith(Directories.Sidecar.Suffix, StringComparison.Ordinal))
                return $"segments may not end in '{Directories.Sidecar.Suffix}'";
        }

        return null;
    }

    static string? CharacterProblem(string key)
    {
        for (var i = 0; i < key.Length; i++)
        {
            if (char.IsControl(key[i]))
                return "it holds a control character";
            if (key[i] == '\\')
                return "it holds a backslash; segments are parted by '/'";
            if (!char.IsSurrogate(key[i]))
                continue;
            if (i + 1 >= key.Length || !char.IsSurrogatePair(key[i], key[i + 1]))
                return "it is not valid Unicode";
            i++;
        }

        return null;
    }

    static string Shown(string? key)
    {
        var text = key is null ? "" : key.Length > 80 ? key[..80] + "…" : key;
        return $"'{string.Concat(text.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c))}'";
    }
}
