using System.Collections.Frozen;

// Stands in for the files of the same types in samples/Airports, until they can be linked here in its place.
namespace Airports;

internal sealed record Airport(string Code);

internal sealed class Place(Airport airport, double latitude, double longitude)
{
    public Airport Airport { get; } = airport;
    public double LatitudeRadians { get; } = double.DegreesToRadians(latitude);
    public double LongitudeRadians { get; } = double.DegreesToRadians(longitude);
    public double CosineOfLatitude { get; } = Math.Cos(double.DegreesToRadians(latitude));
}

internal readonly record struct Leg(Place From, Place To);

internal readonly record struct PairDistance(string From, string To, double Km);

internal sealed class Gazetteer(IReadOnlyList<Place> places)
{
    private readonly FrozenDictionary<string, Place> byCode = places.ToFrozenDictionary(place => place.Airport.Code, StringComparer.Ordinal);

    public IReadOnlyList<Place> Places { get; } = places;

    public Place Find(string code) => byCode[code];
}

internal static class Stages
{
    private const double EarthRadiusKm = 6371.0088;

    public static IEnumerable<(Airport From, Airport To)> AllPairs(Airport[] airports)
    {
        for (var i = 0; i < airports.Length; i++)
            for (var j = i + 1; j < airports.Length; j++)
                yield return (airports[i], airports[j]);
    }

    public static Leg Geocode(this Gazetteer gazetteer, (Airport From, Airport To) pair)
        => new(gazetteer.Find(pair.From.Code), gazetteer.Find(pair.To.Code));

    public static PairDistance Distance(Leg leg)
    {
        var (from, to) = leg;
        var vertical = Math.Sin((to.LatitudeRadians - from.LatitudeRadians) / 2);
        var horizontal = Math.Sin((to.LongitudeRadians - from.LongitudeRadians) / 2);
        var haversine = (vertical * vertical) + (from.CosineOfLatitude * to.CosineOfLatitude * horizontal * horizontal);
        return new(from.Airport.Code, to.Airport.Code, 2 * EarthRadiusKm * Math.Asin(Math.Sqrt(Math.Min(1, haversine))));
    }
}
