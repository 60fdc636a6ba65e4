namespace Sluice.Bench;

/// <summary>The runs of one variant.</summary>
internal sealed class Measurement(string variant)
{
    private readonly List<double> nanoseconds = [];
    private readonly List<double> bytes = [];

    public string Variant { get; } = variant;
    public int Rounds => nanoseconds.Count;
    public double MedianNanoseconds => Median(nanoseconds);
    public double MinimumNanoseconds => nanoseconds.Min();
    public double MedianBytes => Median(bytes);
    public double MinimumBytes => bytes.Min();

    public void Add(double nanosecondsPerItem, double bytesPerItem)
    {
        nanoseconds.Add(nanosecondsPerItem);
        bytes.Add(bytesPerItem);
    }

    private static double Median(List<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

/// <summary>The result of a comparison: a measurement for each variant, in the order of the scenario's file.</summary>
internal sealed record Result(string Comparison, IReadOnlyList<Measurement> Measurements)
{
    /// <summary>The unit of its figures.</summary>
    public string Unit { get; init; } = "ns/item";

    public Measurement? Ours => Measurements.FirstOrDefault(measurement => measurement.Variant == Variant.Ours);

    /// <summary>The ratio ours ÷ peer of the medians, for every peer; empty if the library does not take part.</summary>
    public IEnumerable<(string Name, double Value)> Ratios => Ours is not { } ours
        ? []
        : Measurements
            .Where(peer => peer != ours)
            .Select(peer => ($"{Comparison}/{peer.Variant}", ours.MedianNanoseconds / peer.MedianNanoseconds));
}
