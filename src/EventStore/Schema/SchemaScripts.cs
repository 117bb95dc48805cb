using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace Framelease.EventStore;

/// <summary>
/// A component's part of the schema, as embedded SQL files, one object a file: <c>{prefix}/Updates/NNNN_name.sql</c> run once, in order of
/// their numbers, and never change again; <c>{prefix}/Functions/name.sql</c> (create or replace) run again whenever their text changes.
/// Updates only expand (add tables, columns with defaults, indexes); what is to go is contracted a release later, by an update that begins
/// with <c>-- least program: N</c>: programs that know no update N or later do not start on it any more.
/// </summary>
/// <param name="Component">Its name in framelease.schema_updates.</param>
public sealed record SchemaScripts(string Component, IReadOnlyList<SchemaScript> Updates, IReadOnlyList<SchemaScript> Functions)
{
    internal static SchemaScripts Own { get; } = FromAssembly(typeof(SchemaScripts).Assembly, "Framelease.EventStore.Schema");

    /// <summary>
    /// Reads the embedded resources whose LogicalName starts with <paramref name="prefix"/>; the prefix is the component's name. In the csproj:
    /// <c>&lt;EmbeddedResource Include="Schema/**/*.sql" LogicalName="PREFIX/%(RecursiveDir)%(Filename)%(Extension)" /&gt;</c>.
    /// </summary>
    /// <exception cref="ArgumentException">No updates, two with one number, or a name without a number.</exception>
    public static SchemaScripts FromAssembly(Assembly assembly, string prefix)
    {
        var files = assembly.GetManifestResourceNames()
            .Select(n => (Resource: n, Path: n.Replace('\\', '/')))
            .Where(f => f.Path.StartsWith(prefix + "/", StringComparison.Ordinal) && f.Path.EndsWith(".sql", StringComparison.Ordinal))
            .OrderBy(f => f.Path, StringComparer.Ordinal)
            .ToList();
        var updates = files.Where(f => f.Path.StartsWith(prefix + "/Updates/", StringComparison.Ordinal)).Select(f => Numbered(assembly, f.Resource, f.Path)).ToList();
        var functions = files.Where(f => f.Path.StartsWith(prefix + "/Functions/", StringComparison.Ordinal))
            .Select(f => new SchemaScript(0, Path.GetFileNameWithoutExtension(f.Path), Text(assembly, f.Resource))).ToList();
        if (updates.Count + functions.Count == 0)
            throw new ArgumentException($"'{assembly.GetName().Name}' embeds no SQL under '{prefix}/Updates/' or '{prefix}/Functions/'.", nameof(prefix));
        foreach (var twice in updates.GroupBy(u => u.Number).Where(g => g.Count() > 1))
            throw new ArgumentException($"'{prefix}' has more than one update {twice.Key}: {string.Join(", ", twice.Select(u => u.Name))}.", nameof(prefix));
        return new(prefix, updates, functions);
    }

    internal static string Application { get; } = Text(typeof(SchemaScripts).Assembly, "Framelease.EventStore.Schema/Application.sql");

    static SchemaScript Numbered(Assembly assembly, string resource, string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        if (name.Length < 6 || name[4] != '_' || !int.TryParse(name.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw new ArgumentException($"Update '{path}' must be named NNNN_name.sql.", nameof(path));
        return new(number, name[5..], Text(assembly, resource));
    }

    static string Text(Assembly assembly, string resource)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}

/// <summary>One SQL file.</summary>
public sealed record SchemaScript(int Number, string Name, string Sql)
{
    const string LeastProgramMark = "-- least program: ";

    /// <summary>The oldest program that may still use the schema after this update, by its newest update; 0: any.</summary>
    internal int LeastProgram { get; } =
        Sql.StartsWith(LeastProgramMark, StringComparison.Ordinal)
            ? int.Parse(Sql.AsSpan(LeastProgramMark.Length, Sql.IndexOf('\n', StringComparison.Ordinal) - LeastProgramMark.Length)
            .Trim(), CultureInfo.InvariantCulture)
            : 0;

    internal string Digest { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql.ReplaceLineEndings("\n"))));
}
