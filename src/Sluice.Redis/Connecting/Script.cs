using System.Security.Cryptography;
using System.Text;

namespace Sluice.Redis;

/// <summary>
/// A script: a function of the library on the server. The library has all parts and scripts, and its name contains their hash, so that
/// several versions of a program share a server. A call runs only its own function; a script text would define all the others first.
/// </summary>
internal sealed class Script
{
    /// <summary>The append of entries that help to make room: also if the server's memory is full.</summary>
    public const string AppendAnyway = "append_anyway";

    private const string AddsEntries = "-- adds entries";

    private static readonly Dictionary<string, Script> All;

    static Script()
    {
        var files = typeof(Script).Assembly.GetManifestResourceNames().Where(name => name.EndsWith(".lua", StringComparison.Ordinal))
            .ToDictionary(name => name[..^".lua".Length], Read, StringComparer.Ordinal);
        var parts = files.Where(file => IsPart(file.Key)).OrderBy(file => file.Key, StringComparer.Ordinal).ToArray();
        var scripts = files.Where(file => !IsPart(file.Key)).OrderBy(file => file.Key, StringComparer.Ordinal).ToArray();
        string version = Convert.ToHexStringLower(SHA256.HashData(
            Encoding.UTF8.GetBytes(string.Concat(parts.Concat(scripts).Select(file => file.Key + file.Value))))[..8]);
        All = scripts.Select(static file => file.Key).Append(AppendAnyway)
            .ToDictionary(name => name, name => new Script(name, $"sluice_{name}_{version}"), StringComparer.Ordinal);
        Library = string.Concat(new[] { $"#!lua name=sluice_{version}\n" }.Concat(parts.Select(static file => file.Value))
            .Concat(scripts.Select(static file => Registered(All[file.Key], file.Value)))
            .Append(Registered(All[AppendAnyway], files["append"].Replace(AddsEntries, "--", StringComparison.Ordinal))));
    }

    private Script(string name, string function) => (Name, Function) = (name, function);

    public string Name { get; }

    /// <summary>The name of the function in Redis.</summary>
    public string Function { get; }

    /// <summary>Whether its effect must be durable.</summary>
    public bool Writes => !(Name.StartsWith("find_", StringComparison.Ordinal) || Name.StartsWith("list_", StringComparison.Ordinal)
        || Name.StartsWith("read", StringComparison.Ordinal) || Name == "beat");

    /// <summary>Whether it is an append.</summary>
    public bool Appends => Name is "append" or AppendAnyway;

    /// <summary>Whether a full memory would have refused it.</summary>
    public bool NeedsMemory => Name == "append";

    /// <summary>The text of the library, which a server gets once.</summary>
    public static string Library { get; }

    public static Script Named(string name) => All[name];

    private static bool IsPart(string file) => char.IsAsciiDigit(file[0]);

    private static string Registered(Script script, string body)
    {
        if (body.StartsWith("-- bare", StringComparison.Ordinal))
            return $"addBare('{script.Function}', function(KEYS, ARGV)\n{body}\nend)\n";
        string addsEntries = body.StartsWith(AddsEntries, StringComparison.Ordinal) ? "true" : "false";
        return $"add('{script.Function}', {addsEntries}, function()\n{body}\nend)\n";
    }

    private static string Read(string resource)
    {
        using var reader = new StreamReader(typeof(Script).Assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
