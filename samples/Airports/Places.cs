using System.Collections.Frozen;

namespace Airports;

/// <summary>An airport as the job is given it. Its address is its IATA code: where that is, only the gazetteer knows.</summary>
/// <param name="Code">The IATA code, as the gazetteer spells it.</param>
public sealed record Airport(string Code)
{
    /// <inheritdoc/>
    public override string ToString() => Code;
}

/// <summary>An airport and where it is.</summary>
public sealed class Place
{
    /// <summary>A place at a latitude and a longitude in degrees.</summary>
    public Place(Airport airport, double latitude, double longitude)
    {
        Airport = airport;
        Latitude = latitude;
        Longitude = longitude;
        LatitudeRadians = double.DegreesToRadians(latitude);
        LongitudeRadians = double.DegreesToRadians(longitude);
        CosineOfLatitude = Math.Cos(LatitudeRadians);
    }

    /// <summary>Whose place it is.</summary>
    public Airport Airport { get; }

    /// <summary>Degrees, -90 to 90, north positive.</summary>
    public double Latitude { get; }

    /// <summary>Degrees, -180 to 180, east positive.</summary>
    public double Longitude { get; }

    // Every place takes part in thousands of pairs: what depends on one end alone is computed once.
    internal double LatitudeRadians { get; }

    internal double LongitudeRadians { get; }

    internal double CosineOfLatitude { get; }
}

/// <summary>A pair whose two ends have been found.</summary>
public readonly record struct Leg(Place From, Place To);

/// <summary>The result: how far it is between two airports.</summary>
/// <param name="From">IATA code of the origin.</param>
/// <param name="To">IATA code of the destination.</param>
/// <param name="Km">Great-circle distance in kilometres.</param>
public readonly record struct PairDistance(string From, string To, double Km)
{
    /// <summary>What an error message calls this item.</summary>
    public override string ToString() => $"{From} -> {To}";
}

/// <summary>Looks places up by address. Immutable: may be used by any number of threads at once.</summary>
public sealed class Gazetteer
{
    private readonly FrozenDictionary<string, Place> byCode;

    /// <summary>A gazetteer of these places; their codes must differ.</summary>
    public Gazetteer(IReadOnlyList<Place> places)
    {
        Places = places;
        byCode = places.ToFrozenDictionary(place => place.Airport.Code, StringComparer.Ordinal);
    }

    /// <summary>All places, in the order of the file.</summary>
    public IReadOnlyList<Place> Places { get; }

    /// <summary>Where the airport with this code is.</summary>
    /// <exception cref="KeyNotFoundException">The gazetteer does not know the code.</exception>
    public Place Find(string code) => byCode.TryGetValue(code, out var place)
        ? place
        : throw new KeyNotFoundException($"The gazetteer does not know \"{code}\".");
}
