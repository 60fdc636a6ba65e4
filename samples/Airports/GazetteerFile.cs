using System.Globalization;
using System.Text;
using CsvHelper;

namespace Airports;

/// <summary>Reads a gazetteer from a CSV, with a header or in the headerless form of OpenFlights.</summary>
internal static class GazetteerFile
{
    private const int MaxCodeLength = 16;

    /// <summary>Which columns hold what, counted from 0.</summary>
    private sealed record Columns(int Code, int Latitude, int Longitude)
    {
        public int Needed { get; } = Math.Max(Code, Math.Max(Latitude, Longitude)) + 1;

        /// <summary>id, name, city, country, IATA, ICAO, latitude, longitude, … as at openflights.org/data.</summary>
        public static Columns OpenFlights { get; } = new(4, 6, 7);
    }

    /// <summary>The usable rows of a file; the others are noted in <paramref name="skipped"/>.</summary>
    /// <exception cref="UserMistake">The file cannot be read, or is no gazetteer.</exception>
    public static Gazetteer Read(string path, SkippedRows skipped)
    {
        try
        {
            if (Directory.Exists(path)) throw new UserMistake($"The gazetteer {path} is a directory: name a CSV file.");
            using var text = new StreamReader(path, Encoding.UTF8);
            return Read(text, path, skipped);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new UserMistake($"The gazetteer {path} cannot be read: {FileTrouble.Describe(cause)}.", cause);
        }
    }

    private static Gazetteer Read(TextReader text, string path, SkippedRows skipped)
    {
        var rows = new RowReader(text, skipped);
        var form = new CsvReaderOptions { Separator = ',', HasHeader = false };
        using var parser = CsvReader.Create(rows, form);
        if (!parser.Read())
            throw new UserMistake(
                $"The gazetteer {path} has no rows{(skipped.Count > 0 ? $" that can be used ({Summary(skipped)})" : "")}.");

        var columns = HeaderOf(parser, path);
        var more = columns is null || parser.Read();
        columns ??= Columns.OpenFlights;
        var places = new List<Place>();
        var codes = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (; more; more = parser.Read())
        {
            if (PlaceOf(parser, columns, codes, out var place) is { } reason) skipped.Add(reason, rows.LineOf(parser.RowNumber));
            else places.Add(place!);
        }

        if (places.Count == 0)
            throw new UserMistake(
                $"The gazetteer {path} has no airport that can be used{(skipped.Count > 0 ? $" ({Summary(skipped)})" : "")}.");
        return new Gazetteer(places);
    }

    /// <summary>The columns a header names; null when the first row is already data in the form of OpenFlights.</summary>
    private static Columns? HeaderOf(CsvReader parser, string path)
    {
        var names = parser.Current.ToArray().Select(name => name.Trim()).ToArray();
        if (LooksLikeOpenFlights(names)) return null;

        int Find(string wanted)
        {
            var found = Enumerable.Range(0, names.Length).Where(i => names[i].Equals(wanted, StringComparison.OrdinalIgnoreCase)).ToArray();
            return found.Length switch
            {
                1 => found[0],
                0 => throw new UserMistake(
                    $"The gazetteer {path} has no column \"{wanted}\": its first row must name at least iata, latitude "
                    + "and longitude, or be a row of an OpenFlights airports.dat."),
                _ => throw new UserMistake($"The header of the gazetteer {path} names the column \"{wanted}\" twice."),
            };
        }

        return new Columns(Find("iata"), Find("latitude"), Find("longitude"));
    }

    private static bool LooksLikeOpenFlights(string[] fields)
        => fields.Length >= Columns.OpenFlights.Needed
            && (int.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out _)
                || (IsNumber(fields[Columns.OpenFlights.Latitude], out _) && IsNumber(fields[Columns.OpenFlights.Longitude], out _)));

    /// <summary>The place of a row, or the reason why it has none.</summary>
    private static string? PlaceOf(CsvReader row, Columns columns, HashSet<string> codes, out Place? place)
    {
        place = null;
        if (row.FieldCount < columns.Needed) return "too few columns";
        var code = row.GetString(columns.Code).Trim();
        if (code is "" or "\\N") return "no IATA code";
        if (code.Length > MaxCodeLength || !code.All(char.IsAsciiLetterOrDigit)) return "malformed IATA code";
        if (!IsNumber(row.GetString(columns.Latitude), out var latitude)) return "latitude is not a number";
        if (!IsNumber(row.GetString(columns.Longitude), out var longitude)) return "longitude is not a number";
        if (Math.Abs(latitude) > 90) return "latitude out of range";
        if (Math.Abs(longitude) > 180) return "longitude out of range";
        if (!codes.Add(code)) return "duplicate IATA code";
        place = new Place(new Airport(code), latitude, longitude);
        return null;
    }

    private static bool IsNumber(string text, out double number)
        => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && !double.IsNaN(number);

    private static string Summary(SkippedRows skipped) => $"skipped: {string.Join("; ", skipped.Describe())}";
}
