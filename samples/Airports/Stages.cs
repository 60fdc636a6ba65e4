namespace Airports;

/// <summary>The three pure stages between the airports and the outputs. They know nothing of files, consoles or pipelines.</summary>
public static class Stages
{
    /// <summary>The mean radius of the Earth in kilometres (IUGG).</summary>
    public const double EarthRadiusKm = 6371.0088;

    private const int MostPartners = 512;

    /// <summary>Each airport with those after it, some hundred at a time, lazily: work of a size that is worth giving to a
    /// thread.</summary>
    public static IEnumerable<Origin> Origins(Airport[] airports) => Slices(airports.Length).Select(slice => OriginOf(airports, slice));

    /// <summary>The same by their numbers.</summary>
    public static IEnumerable<Slice> Slices(int airports)
    {
        for (var i = 0; i < airports; i++)
            for (var j = i + 1; j < airports; j += MostPartners)
                yield return new Slice(i, j, Math.Min(MostPartners, airports - j));
    }

    /// <summary>The origin that a slice stands for.</summary>
    public static Origin OriginOf(Airport[] airports, Slice slice)
        => new(airports[slice.From], new ArraySegment<Airport>(airports, slice.First, slice.Count));

    /// <summary>An airport with each of its partners, lazily. Of all origins: every unordered pair once, i before j in the order
    /// given.</summary>
    public static IEnumerable<Pair> AllPairs(Origin origin) => new PairsOf(origin);

    /// <summary>Looks up where both ends of a pair are.</summary>
    public static Leg Geocode(this Gazetteer gazetteer, Pair pair)
        => new(gazetteer.Find(pair.From.Code), gazetteer.Find(pair.To.Code));

    /// <summary>
    /// The great-circle distance by the haversine formula (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984),
    /// which unlike the law of cosines is exact for airports close to each other.
    /// </summary>
    public static PairDistance Distance(Leg leg)
    {
        var (from, to) = leg;
        var sineOfLatitude = Math.Sin((to.LatitudeRadians - from.LatitudeRadians) * 0.5);
        var sineOfLongitude = Math.Sin((to.LongitudeRadians - from.LongitudeRadians) * 0.5);
        var haversine = (sineOfLatitude * sineOfLatitude)
            + (from.CosineOfLatitude * to.CosineOfLatitude * sineOfLongitude * sineOfLongitude);

        // Rounding can carry antipodes a hair above 1, where the arcsine is not a number.
        var km = 2 * EarthRadiusKm * Math.Asin(Math.Sqrt(Math.Min(1, haversine)));
        return new PairDistance(from.Airport.Code, to.Airport.Code, km);
    }

    /// <summary>How many pairs <see cref="AllPairs"/> yields for this many airports.</summary>
    public static long CountPairs(int airports) => (long)airports * (airports - 1) / 2;
}
