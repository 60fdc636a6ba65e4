using Sluice;

namespace Originals.Consecution;

/// <summary>The original's first README: air_port_list | generate_all_combinations | geocode_adresses | compute_distances |
/// broadcast(databases_writer, file_writer). samples/Airports is the whole of it.</summary>
internal static class Airports
{
    private static readonly Dictionary<string, (double X, double Y)> Map = new() { ["ATL"] = (0, 0), ["LAX"] = (3, 4), ["ORD"] = (0, 12) };

    private static IEnumerable<(string From, string To)> GenerateAllCombinations(string[] airports)
    {
        for (int i = 0; i < airports.Length; i++)
            for (int j = i + 1; j < airports.Length; j++)
                yield return (airports[i], airports[j]);
    }

    private static async Task<(string Name, (double X, double Y) From, (double X, double Y) To)> GeocodeAddressesAsync(
        (string From, string To) pair, CancellationToken cancellation)
    {
        await Task.Yield();
        cancellation.ThrowIfCancellationRequested();
        return ($"{pair.From}-{pair.To}", Map[pair.From], Map[pair.To]);
    }

    private static string ComputeDistances((string Name, (double X, double Y) From, (double X, double Y) To) leg)
        => $"{leg.Name} {Math.Sqrt(Math.Pow(leg.From.X - leg.To.X, 2) + Math.Pow(leg.From.Y - leg.To.Y, 2)):0.00}";

    public static async Task RunAsync()
    {
        List<string> database = [], file = [];
        Pipeline pipeline = Source.Of(Map.Keys.ToArray()) | GenerateAllCombinations | GeocodeAddressesAsync | Stage.Parallel(4)
            | ComputeDistances | [database.Add, file.Add];
        await pipeline.RunAsync();

        const string Expected = "ATL-LAX 5.00\nATL-ORD 12.00\nLAX-ORD 8.54";
        Check.Lines(Expected, database);
        Check.Lines(Expected, file);
    }
}
