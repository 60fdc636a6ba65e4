using System.Text.RegularExpressions;

namespace Sluice.Sqlite;

/// <summary>Refuses texts that are no paths of files. SQLite would make a file with such a name.</summary>
internal static partial class StorePath
{
    private const string Store = "A SQLite store is opened with the path of its file, such as \"orders.db\".";
    private const string Copy = "A copy of a SQLite store is made at the path of a new file, such as \"orders-copy.db\".";

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
    public static void Check(string? path) => Check(path, Store, nameof(path));

    /// <summary>The same for the file of a copy.</summary>
    /// <exception cref="ArgumentException">It is no path.</exception>
    public static void CheckTarget(string? target) => Check(target, Copy, nameof(target));

    private static void Check(string? path, string how, string parameter)
    {
        if (path is null)
            throw new ArgumentNullException(parameter, $"{how} The given path is null: is its setting missing?");
        if (string.IsNullOrWhiteSpace(path))
            throw new ArgumentException($"{how} The given path is empty: does its setting have a value?", parameter);
        if (Server().IsMatch(path) && !File.Exists(path))
            throw new ArgumentException($"{how} The given path looks like the address of a server. For Redis, use "
                + "RedisStreamStore.ConnectAsync of the package Sluice.Redis; for a file of that name, put ./ before it.", parameter);
        int found = Array.FindIndex(Mistakes, mistake => path.StartsWith(mistake.Start, StringComparison.OrdinalIgnoreCase));
        if (found < 0 || File.Exists(path)) return;
        throw new ArgumentException($"{how} The given path begins with '{Mistakes[found].Start}'. {Mistakes[found].Advice}", parameter);
    }

    // A host and a port.
    [GeneratedRegex(@"^[A-Za-z0-9.-]{2,}:\d{1,5}(,|$)")]
    private static partial Regex Server();
}
