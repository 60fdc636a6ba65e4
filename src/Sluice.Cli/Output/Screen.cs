using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace Sluice.Cli.Output;

/// <summary>Writes the results of commands: aligned columns, or JSON.</summary>
internal sealed class Screen(Func<TextWriter> open, bool isJson)
{
    private TextWriter? output;

    private const int MaxCell = 60;
    private const int Utf8 = 65001, Utf16 = 1200;
    private const string Bold = "\e[1m", Red = "\e[31m", Plain = "\e[0m";

    private static readonly JsonSerializerOptions Indented = Options(isIndented: true), Compact = Options(isIndented: false);

    /// <summary>Whether the output is JSON.</summary>
    public bool IsJson => isJson;

    /// <summary>Whether a person sees the output on a terminal.</summary>
    public static bool IsTerminal => !Console.IsOutputRedirected;

    /// <summary>Whether colors are allowed: on a terminal that has them, unless NO_COLOR is set.</summary>
    public static bool HasColor => IsTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") != "dumb";

    // Opened with the first line, so that a command that fails at once starts no pager.
    private TextWriter Output => output ??= open();

    private void Write(string line)
    {
        try
        {
            Output.WriteLine(line);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OutputException(failure.Message, failure);
        }
    }

    public void Line(string text = "") => Write(text);

    /// <summary>Writes a line that reports a problem.</summary>
    public void Problem(string text) => Write(HasColor ? $"{Red}{text}{Plain}" : text);

    /// <summary>Writes a value as one JSON document.</summary>
    public void Json<T>(T value) => Write(Readable(JsonSerializer.Serialize(value, Indented)));

    /// <summary>Writes a value as one line of JSON, for lists without an end.</summary>
    public void JsonLine<T>(T value) => Write(Readable(JsonSerializer.Serialize(value, Compact)));

    // A code page (Windows, ISO-8859-1) replaces letters that it lacks by question marks. Escapes mean the same in JSON, and are ASCII.
    private string Readable(string json)
    {
        json = Clean.Json(json);
        if (Output.Encoding.CodePage is Utf8 or Utf16 || Ascii.IsValid(json)) return json;
        var escaped = new StringBuilder(json.Length + 64);
        foreach (char letter in json)
            if (char.IsAscii(letter)) escaped.Append(letter);
            else escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
        return escaped.ToString();
    }

    /// <summary>Writes rows in columns. Columns whose header begins with ">" are aligned to the right. Long cells are cut; not in the last
    /// column, if no person sees it.</summary>
    public void Table(string[] headers, IReadOnlyList<string[]> rows)
    {
        string[] names = [.. headers.Select(static header => header.TrimStart('>'))];
        string[][] cells = [.. rows.Select(static row => row.Select((cell, i)
            => Clean.Text(cell, i == row.Length - 1 && !IsTerminal ? int.MaxValue : MaxCell)).ToArray())];
        int[] widths = [.. names.Select((name, i)
            => Math.Max(name.Length, cells.Select(row => row[i].GetCellWidth()).DefaultIfEmpty().Max()))];
        string header = Row(names);
        Write(HasColor ? $"{Bold}{header}{Plain}" : header);
        foreach (string[] row in cells) Write(Row(row));

        string Row(string[] row) => string.Join("  ", row.Select((cell, i)
            => headers[i].StartsWith('>') ? Space(cell, i) + cell : cell + Space(cell, i))).TrimEnd();

        string Space(string cell, int i) => new(' ', widths[i] - cell.GetCellWidth());   // some letters take two columns
    }

    private static JsonSerializerOptions Options(bool isIndented) => new(JsonSerializerDefaults.Web)
    {
        WriteIndented = isIndented,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };
}

/// <summary>The output cannot be written: its disk is full, or it is closed.</summary>
internal sealed class OutputException(string message, Exception cause) : IOException(message, cause);
