namespace Sluice.Bench;

internal sealed record Airport(string Code, string Address);

internal sealed record Place(Airport Airport, double Latitude, double Longitude);

internal sealed record Leg(Place From, Place To);

internal sealed record Distance(string From, string To, double Km);

/// <summary>The stages of the airports job, over a generated gazetteer.</summary>
internal sealed class AirportStages
{
    private const double EarthRadiusKm = 6371.0088;
    private readonly Dictionary<string, Place> gazetteer = [];

    public AirportStages(int rows)
    {
        Airports = new Airport[rows];
        for (var i = 0; i < rows; i++)
        {
            // Any spread over the globe will do, as long as it is the same every time.
            var airport = new Airport(CodeOf(i), $"Airport {i}");
            Airports[i] = airport;
            gazetteer.Add(airport.Code, new Place(airport, (i * 37.31 % 180) - 90, (i * 91.73 % 360) - 180));
        }
    }

    public Airport[] Airports { get; }

    public static IEnumerable<(Airport From, Airport To)> AllPairs(Airport[] airports)
    {
        for (var i = 0; i < airports.Length; i++)
            for (var j = i + 1; j < airports.Length; j++)
                yield return (airports[i], airports[j]);
    }

    public Leg Geocode((Airport From, Airport To) pair) => new(gazetteer[pair.From.Code], gazetteer[pair.To.Code]);

    public static Distance Distance(Leg leg) => new(leg.From.Airport.Code, leg.To.Airport.Code, Haversine(leg.From, leg.To));

    private static double Haversine(Place from, Place to)
    {
        var (latitude, otherLatitude) = (double.DegreesToRadians(from.Latitude), double.DegreesToRadians(to.Latitude));
        var vertical = Math.Sin((otherLatitude - latitude) / 2);
        var horizontal = Math.Sin(double.DegreesToRadians(to.Longitude - from.Longitude) / 2);
        var chord = vertical * vertical + Math.Cos(latitude) * Math.Cos(otherLatitude) * horizontal * horizontal;
        return 2 * EarthRadiusKm * Math.Asin(Math.Min(1, Math.Sqrt(chord)));
    }

    private static string CodeOf(int i) => new([(char)('A' + i / 676 % 26), (char)('A' + i / 26 % 26), (char)('A' + i % 26)]);
}
