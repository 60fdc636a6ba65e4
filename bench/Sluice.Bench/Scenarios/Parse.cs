using System.Globalization;

namespace Sluice.Bench;

/// <summary>Lines of text: split into fields, filtered, and chunked by 100.</summary>
internal static class Parse
{
    private const int Distinct = 10_000;
    private const int ChunkSize = 100;

    private static readonly string[] Some = [.. Enumerable.Range(0, Distinct)
        .Select(static i => string.Create(CultureInfo.InvariantCulture, $"{i},customer-{i % 97},{i % 1_000},open"))];

    public static Scenario Scenario { get; } = new("parse", $"lines split at commas, filtered, chunked by {ChunkSize}",
    [
        new Comparison("parse", 1_000_000, 300_000, Expected,
        [
            Variant.OfTask(Variant.Ours, SluiceAsync),
            Variant.Of("linq", Linq),
        ]),
    ]);

    private static async Task<double> SluiceAsync(long count)
    {
        long sum = 0;
        Pipeline pipeline = (Source.From(Lines(count)) | Split).Where(IsWanted).Chunk(ChunkSize) | (rows => { sum += SumOf(rows); });
        await pipeline.RunAsync(Chain.OnThisThread);
        return sum;
    }

    private static double Linq(long count)
    {
        long sum = 0;
        foreach (string[][] rows in Lines(count).Select(Split).Where(IsWanted).Chunk(ChunkSize)) sum += SumOf(rows);
        return sum;
    }

    private static IEnumerable<string> Lines(long count)
    {
        for (long i = 0; i < count; i++) yield return Some[i % Distinct];
    }

    private static string[] Split(string line) => line.Split(',');

    private static bool IsWanted(string[] row) => row[2].Length == 3;

    private static long SumOf(string[][] rows)
    {
        long sum = rows.Length;
        foreach (string[] row in rows) sum += row[0].Length;
        return sum;
    }

    private static double Expected(long count)
    {
        long wanted = 0, letters = 0;
        for (long i = 0; i < count; i++)
        {
            long number = i % Distinct;
            if (number % 1_000 < 100) continue;                      // fewer than three digits
            wanted++;
            letters += number < 1_000 ? 3 : 4;
        }
        return wanted + letters;
    }
}
