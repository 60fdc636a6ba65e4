using System.Text.RegularExpressions;

namespace Sluice.Sqlite;

/// <summary>Refuses texts that are no paths of files. SQLite would make a file with such a name.</summary>
internal static partial class StorePath
{
    private const string How = "A SQLite store is opened with the path of its file, such as \"orders.db\".";

    private static readonly (string Start, string Advice)[] Mistakes =
    [
        ("Data Source=", "It is a connection string: give the path of the file alone."),
        ("DataSource=", "It is a connection string: give the path of the file alone."),
        ("Filename=", "It is a connection string: give the path of the file alone."),
        ("redis:", "For Redis, use RedisStreamStore.ConnectAsync of the package Sluice.Redis."),
        ("rediss:", "For Redis, use RedisStreamStore.ConnectAsync of the package Sluice.Redis."),
        ("sqlite:", "Leave out 'sqlite:', which stands before the path in settings and in the command line only."),
        (":memory:", "For a store in memory, use MemoryStreamStore."),
        ("file:", "It is a URI: give the path of the file alone."),
        ("~/", "Only a shell writes the home folder for '~': write the folder in full (Environment.SpecialFolder.UserProfile has it)."),
    ];

    /// <summary>Throws if a text is empty, or a connection string or an address instead of a path. A file that exists is a file.</summary>
    /// <remarks>The message does not show the text: it may have a password in it.</remarks>
    /// <exception cref="ArgumentException">It is no path.</exception>
    public static void Check(string? path)
    {
        if (path is null)
            throw new ArgumentNullException(nameof(path), $"{How} The given path is null: is its setting missing?");
        if (string.IsNullOrWhiteSpace(path))
            throw new ArgumentException($"{How} The given path is empty: does its setting have a value?", nameof(path));
        if (Server().IsMatch(path) && !File.Exists(path))
            throw new ArgumentException($"{How} The given path looks like the address of a server. For Redis, use "
                + "RedisStreamStore.ConnectAsync of the package Sluice.Redis; for a file of that name, put ./ before it.", nameof(path));
        int found = Array.FindIndex(Mistakes, mistake => path.StartsWith(mistake.Start, StringComparison.OrdinalIgnoreCase));
        if (found < 0 || File.Exists(path)) return;
        throw new ArgumentException($"{How} The given path begins with '{Mistakes[found].Start}'. {Mistakes[found].Advice}", nameof(path));
    }

    // A host and a port.
    [GeneratedRegex(@"^[A-Za-z0-9.-]{2,}:\d{1,5}(,|$)")]
    private static partial Regex Server();
}
