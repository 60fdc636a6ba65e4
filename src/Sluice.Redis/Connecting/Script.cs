using System.Security.Cryptography;
using System.Text;

namespace Sluice.Redis;

/// <summary>A script: the text of its file behind the parts that all of them share, and what Redis calls it.</summary>
internal sealed class Script
{
    // A run of the server that was not cleaned is written to by nobody.
    private const string Guard = """
        local function fail(code, text) error({ err = 'SLUICE ' .. code .. ' ' .. (text or '') }) end
        local function isThisRun(clean) return clean and string.find(redis.call('INFO', 'server'), 'run_id:' .. clean, 1, true) end

        """;

    private static readonly Dictionary<string, Script> All = Load();

    private Script(string name, string text) => (Name, Text, Hash) = (name, text, Sha1(text));

    public string Name { get; }
    public string Text { get; }
    public byte[] Hash { get; }

    /// <summary>Whether what it does must last.</summary>
    public bool Writes => !(Name.StartsWith("find_", StringComparison.Ordinal) || Name.StartsWith("list_", StringComparison.Ordinal) || Name.StartsWith("read", StringComparison.Ordinal) || Name == "beat");

    public static IReadOnlyCollection<Script> Every => All.Values;

    public static Script Named(string name) => All[name];

    private static Dictionary<string, Script> Load()
    {
        var files = typeof(Script).Assembly.GetManifestResourceNames().Where(name => name.EndsWith(".lua", StringComparison.Ordinal))
            .ToDictionary(name => name[..^".lua".Length], Read, StringComparer.Ordinal);
        string parts = string.Concat(files.Where(file => char.IsAsciiDigit(file.Key[0])).OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => file.Value));
        return files.Where(file => !char.IsAsciiDigit(file.Key[0])).ToDictionary(file => file.Key, file => new Script(file.Key, Whole(file.Value, parts)), StringComparer.Ordinal);
    }

    // A full memory refuses what adds entries before it begins. Everything else may go on: it is what makes room.
    private static string Whole(string body, string parts)
    {
        if (body.StartsWith("-- bare", StringComparison.Ordinal)) return $"#!lua flags=allow-oom\n{Guard}if not isThisRun(redis.call('HGET', KEYS[1], 'clean')) then fail('UNCLEAN') end\n{body}";
        string flags = body.StartsWith("-- deny-oom", StringComparison.Ordinal) ? "#!lua" : "#!lua flags=allow-oom";
        return $"{flags}\n{Guard}{parts}\nlocal function run()\n{body}\nend\nlocal result = run()\npublish()\nreturn {{ digits(now), generation, result }}\n";
    }

    private static string Read(string resource)
    {
        using var reader = new StreamReader(typeof(Script).Assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Security", "CA5350", Justification = "The name that Redis gives to a script is its SHA-1.")]
    private static byte[] Sha1(string text) => SHA1.HashData(Encoding.UTF8.GetBytes(text));
}
