using Airports;

namespace Sluice.Bench;

/// <summary>A gazetteer of any size. The distribution does not matter, but it is the same every time.</summary>
internal sealed class GeneratedAirports
{
    private static GeneratedAirports latest = new(0);

    private GeneratedAirports(int rows)
    {
        List = [.. Enumerable.Range(0, rows).Select(i => new Airport(CodeOf(i)))];
        Gazetteer = new Gazetteer([.. List.Select((airport, i) => new Place(airport, (i * 37.31 % 180) - 90, (i * 91.73 % 360) - 180))]);
    }

    public Airport[] List { get; }

    public Gazetteer Gazetteer { get; }

    /// <summary>The gazetteer of a size. The latest one is kept, because making it is not measured.</summary>
    public static GeneratedAirports Of(long rows)
    {
        if (latest.List.Length != rows) latest = new GeneratedAirports((int)rows);
        return latest;
    }

    private static string CodeOf(int i) => new([(char)('A' + (i / 676 % 26)), (char)('A' + (i / 26 % 26)), (char)('A' + (i % 26))]);
}
