using System.Globalization;

namespace Money;

/// <summary>What a sample says in the end: what went in, the pipeline, and who got what.</summary>
/// <param name="Title">One line on what it is about, with the rounding.</param>
/// <param name="Inputs">Names and values.</param>
/// <param name="Picture">The pipeline as text.</param>
/// <param name="Ledger">Rows of cells under a row of headings; decimals are shown to the cent.</param>
internal sealed record Statement(string Title, (string Name, object Value)[] Inputs, string Picture, object[][] Ledger)
{
    /// <summary>To the cent; half a cent goes away from zero.</summary>
    public static decimal Cents(decimal amount) => decimal.Round(amount, 2, MidpointRounding.AwayFromZero);

    /// <summary>Plain text, the same on a terminal and in a file.</summary>
    public void Print(TextWriter text)
    {
        text.WriteLine($"{Title}\n\nInputs");
        Table(text, [.. Inputs.Select(input => new[] { input.Name, input.Value })]);
        text.WriteLine($"\nPipeline\n{Picture.TrimEnd()}\n\nLedger");
        Table(text, Ledger);
        text.WriteLine();
    }

    // The first column to the left, the others to the right; two blanks or more between them.
    private static void Table(TextWriter text, object[][] rows)
    {
        var cells = Array.ConvertAll(rows, row => Array.ConvertAll(row, Show));
        var widths = Enumerable.Range(0, cells.Max(row => row.Length)).Select(column => cells.Max(row => row[column].Length)).ToArray();
        foreach (var row in cells)
        {
            var padded = row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]));
            text.WriteLine($"  {string.Join("  ", padded)}".TrimEnd());
        }
    }

    private static string Show(object cell) => cell switch
    {
        decimal money => money.ToString("N2", CultureInfo.InvariantCulture),
        IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
        _ => $"{cell}",
    };
}
