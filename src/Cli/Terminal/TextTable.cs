namespace Framelease.Cli.Terminal;

/// <summary>Columns padded with three spaces, upper-case headings, no frames: as kubectl prints, so that awk and cut work on it.</summary>
sealed class TextTable(params string[] headings)
{
    readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    public void Write(TextWriter writer)
    {
        var widths = headings.Select((heading, column) => _rows.Select(row => row[column].Length).Append(heading.Length).Max()).ToArray();
        WriteRow(writer, headings, widths);
        foreach (var row in _rows)
            WriteRow(writer, row, widths);
    }

    static void WriteRow(TextWriter writer, string[] cells, int[] widths)
    {
        for (var column = 0; column < cells.Length; column++)
            writer.Write(column == cells.Length - 1 ? cells[column] : cells[column].PadRight(widths[column] + 3));
        writer.Write('\n');
    }
}
