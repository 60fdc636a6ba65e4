using System.Collections.Concurrent;
using System.Globalization;

namespace Sluice.Bench;

/// <summary>The bytes that a run has written to files, as Linux counts them for the process; not shown on other systems.</summary>
internal sealed class BytesWritten : IDisposable
{
    private static readonly ConcurrentDictionary<string, double> PerItem = new();

    private readonly string name;
    private readonly long items;
    private readonly long before = Now();

    private BytesWritten(string name, long items) => (this.name, this.items) = (name, items);

    public static BytesWritten Measure(string name, long items) => new(name, items);

    public void Dispose() => PerItem[name] = (double)(Now() - before) / items;

    /// <summary>Prints the last figure of each run, and clears them.</summary>
    public static void Print()
    {
        foreach (var (name, bytes) in PerItem.OrderBy(one => one.Key, StringComparer.Ordinal))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name + " written/item",-36} {bytes,12:F1} bytes"));
        PerItem.Clear();
    }

    private static long Now()
    {
        const string Field = "wchar: ";
        const string Counters = "/proc/self/io";
        if (!File.Exists(Counters)) return 0;
        string line = File.ReadLines(Counters).First(one => one.StartsWith(Field, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(Field.Length), CultureInfo.InvariantCulture);
    }
}
