using System.Net;
using System.Net.Security;

namespace Sluice.Redis;

/// <summary>The address of the server. Its text shows hosts and database, never the password.</summary>
internal sealed class ServerAddress
{
    // The client would fail calls whose answers wait behind others. AnswerTracker measures instead. The client multiplies the value by 4.
    private const int UnusedTimeout = 24 * 3600 * 1000;

    private const string PrefixOption = "prefix=", EvictionOption = "allowEviction=";

    // The client hangs if it knows that the server is clustered, so it must not ask: by INFO or CLUSTER, or by SET of its own key, which
    // another server may have.
    private const string Unasked = ",$CLUSTER=,$INFO=,$SET=";

    // What a user writes who means a SQLite file.
    private static readonly string[] FileStarts = ["sqlite:", "file:", "Data Source=", "DataSource=", "Filename="];
    private static readonly string[] UrlStarts = ["//", "redis://", "rediss://"];
    private static readonly string[] FileEnds = [".db", ".db3", ".sqlite", ".sqlite3"];

    // The options that an error may name: any other word may be a part of a password.
    private static readonly string[] NeedsValue = ["ssl", "sslHost", "sslProtocols", "checkCertificateRevocation", "defaultDatabase",
        "connectTimeout", "syncTimeout", "keepAlive", "connectRetry", "abortConnect", "allowAdmin", "prefix", "name", "user", "protocol",
        "configCheckSeconds"];

    private ServerAddress(ConfigurationOptions options) => Options = options;

    public ConfigurationOptions Options { get; }

    /// <summary>The prefix of keys in the connection string; null if there is none.</summary>
    public string? Prefix { get; private init; }

    /// <summary>Whether the connection string accepts a server that evicts; null if it does not say.</summary>
    public bool? AllowEviction { get; private init; }

    /// <exception cref="ArgumentException">The connection string is invalid. The message says why, without the string.</exception>
    public static ServerAddress Parse(string connection)
    {
        const string How = "A Redis store is opened with a connection string like localhost:6379,password=…,ssl=true.";
        if (connection is null)
            throw new ArgumentNullException(nameof(connection), $"{How} The given one is null: is its setting missing?");
        if (string.IsNullOrWhiteSpace(connection))
            throw new ArgumentException($"{How} The given one is empty: does its setting have a value?", nameof(connection));
        if (connection.Split(';') is { Length: > 1 } parts
            && Array.Exists(parts, static part => part.TrimStart().StartsWith("Host=", StringComparison.OrdinalIgnoreCase)))
            throw new ArgumentException($"{How} The given one has the form of PostgreSQL's (Host=…;Database=…): for that server, use "
                + "PostgresStreamStore of the package Sluice.PostgreSql.", nameof(connection));
        CheckPrefix(connection.TrimStart());
        // Without redis: where the store is written as redis:…
        if (Array.Exists(UrlStarts, start => connection.TrimStart().StartsWith(start, StringComparison.OrdinalIgnoreCase)))
            throw new ArgumentException("The connection string for Redis is no URL. It is like localhost:6379,password=…,ssl=true,"
                + "defaultDatabase=0.", nameof(connection));
        if (NamesFile(connection.Split(',')[0].Trim()))
            throw new ArgumentException(
                "The connection string for Redis is the path of a file, and SqliteStreamStore opens files (UseSqlite; sqlite:FILE in "
                    + "settings). A Redis server is named by HOST:PORT, as in localhost:6379. A host whose name ends in .db needs its "
                    + "port.",
                nameof(connection));
        ILookup<string, string> words = connection.Split(',').ToLookup(static word => IsOption(word, PrefixOption) ? PrefixOption
            : IsOption(word, EvictionOption) ? EvictionOption : "");
        string? prefix = words[PrefixOption].LastOrDefault()?.Trim()[PrefixOption.Length..];
        bool? eviction = words[EvictionOption].LastOrDefault()?.Trim()[EvictionOption.Length..] is { } value
            ? IsTrue(value, nameof(connection)) : null;
        string text = string.Join(',', words[""]);
        CheckWords(text);
        ConfigurationOptions options;
        try
        {
            options = ConfigurationOptions.Parse(text);
        }
        catch (ArgumentException wrong)
        {
            // The parser's message quotes the unknown option, which may be half of a password.
            string? name = NeedsValue.FirstOrDefault(known => known.Equals(wrong.ParamName, StringComparison.OrdinalIgnoreCase));
            string why = name is not null ? $" ({name})" : UnknownOption(text, wrong.ParamName) is { } unknown
                ? $": there is no option {unknown}" : "";
            throw new ArgumentException(
                "A connection string for Redis is like localhost:6379,password=…,ssl=true,defaultDatabase=0; this one cannot be "
                    + $"read{why}.", nameof(connection));
        }
        if (options.EndPoints.Count == 0)
            throw new ArgumentException(
                "The connection string for Redis names no server, or one that cannot be read: it begins with HOST:PORT, as in "
                    + "localhost:6379 (no redis:// before it).", nameof(connection));
        Check(options, nameof(connection));
        return new(options) { Prefix = prefix, AllowEviction = eviction };
    }

    private static bool IsOption(string word, string option) => word.TrimStart().StartsWith(option, StringComparison.OrdinalIgnoreCase);

    private static bool IsTrue(string value, string parameter) => bool.TryParse(value, out bool isTrue) ? isTrue
        : throw new ArgumentException("The connection string for Redis has the option allowEviction with another value than true or false.",
            parameter);

    /// <summary>Refuses redis: before an address, which the client would take for the name of the server.</summary>
    private static void CheckPrefix(string connection)
    {
        const string Prefix = "redis:";
        if (!connection.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)) return;
        string rest = connection[Prefix.Length..].Split(',')[0].Trim();
        // redis:6379 is the port of a server named redis; redis:// is a URL.
        if (rest.StartsWith("//", StringComparison.Ordinal) || rest.All(char.IsAsciiDigit)) return;
        throw new ArgumentException("The connection string for Redis begins with 'redis:'. Leave out 'redis:', which stands before the "
            + "connection string in settings and in the command line only. It is like localhost:6379.", nameof(connection));
    }

    /// <summary>Takes a copy of a user's options of the client.</summary>
    /// <exception cref="ArgumentException">They name no server, or a database with a negative number.</exception>
    public static ServerAddress From(ConfigurationOptions servers)
    {
        ArgumentNullException.ThrowIfNull(servers);
        if (servers.EndPoints.Count == 0)
            throw new ArgumentException("The options of the Redis client name no server: add one to EndPoints.", nameof(servers));
        ConfigurationOptions options = servers.Clone();
        Check(options, nameof(servers));
        return new(options);
    }

    // And sets what the store needs.
    private static void Check(ConfigurationOptions options, string parameter)
    {
        if (options.DefaultDatabase < 0)
            throw new ArgumentException(
                $"The {(parameter == "connection" ? "connection string for Redis has" : "options of the Redis client have")} "
                    + $"defaultDatabase={options.DefaultDatabase}: databases are numbered from 0 on.", parameter);
        NamePorts(options);
        (options.AbortOnConnectFail, options.AllowAdmin, options.ClientName) = (false, true, options.ClientName ?? "sluice");
        options.AsyncTimeout = UnusedTimeout;
        options.ChannelPrefix = default;             // the scripts publish without one
    }

    /// <summary>Names what the parser would take for something else. No value is shown: it may be a part of a password.</summary>
    private static void CheckWords(string connection)
    {
        string[] words = [.. connection.Split(',').Select(static word => word.Trim())];
        string end = words[0][(words[0].LastIndexOf(':') + 1)..];
        // HOST:PORT, and neither an option nor an address of IPv6
        bool isNumber = end.Length is > 0 and < 10 && end.All(char.IsAsciiDigit) && !words[0].Contains('=', StringComparison.Ordinal)
            && words[0].AsSpan().Count(':') < 2;
        if (isNumber && end == words[0])
            throw new ArgumentException(
                $"The connection string for Redis is the number {end}, without a host: write HOST:PORT, as in localhost:{end}.",
                nameof(connection));
        if (isNumber && int.Parse(end, CultureInfo.InvariantCulture) is < 1 or > ushort.MaxValue)
            throw new ArgumentException($"The connection string for Redis has the port {end}: ports go from 1 to 65535.",
                nameof(connection));
        for (int i = 0; i < words.Length; i++)
        {
            string word = words[i];
            // Behind an option, digits may be the rest of a password with a comma.
            if (i > 0 && Array.TrueForAll(words[..i], static before => !before.Contains('=', StringComparison.Ordinal))
                && ushort.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
                && !words[i - 1].Contains(':', StringComparison.Ordinal))
                throw new ArgumentException(
                    $"The connection string for Redis has the port {port} behind a comma. It stands behind ':', as in "
                        + $"{(words[i - 1].Length > 0 ? words[i - 1] : "localhost")}:{port}; commas stand between servers and options.",
                    nameof(connection));
            if (word.EndsWith('=') && NeedsValue.Contains(word[..^1], StringComparer.OrdinalIgnoreCase))
                throw new ArgumentException(
                    $"The connection string for Redis has the option {word[..^1]} without a value: write {word}VALUE, or leave it out.",
                    nameof(connection));
        }
    }

    /// <summary>The name of an unknown option; null if it may be a secret: a part of a password, or a key without its option.</summary>
    private static string? UnknownOption(string connection, string? name)
    {
        string[] words = [.. connection.Split(',').Select(static word => word.Trim())];
        int at = Array.FindIndex(words, word => word.StartsWith($"{name}=", StringComparison.Ordinal));
        // A key in Base64 has digits, or ends in '='.
        return at > 0 && name is { Length: < 20 } && name.All(char.IsAsciiLetter) && words[at].Length > name.Length + 1
            && words[at][name.Length + 1] != '='
            && !Array.Exists(words[..at], static word => word.StartsWith("password", StringComparison.OrdinalIgnoreCase)) ? name : null;
    }

    /// <summary>Returns options for one of several servers.</summary>
    public ConfigurationOptions Alone(EndPoint server)
    {
        ConfigurationOptions options = Options.Clone();
        options.EndPoints.Clear();
        options.EndPoints.Add(server);
        return options;
    }

    /// <summary>Returns options for one server of a cluster, which the client treats as a single server.</summary>
    public ConfigurationOptions AloneInCluster(EndPoint server)
    {
        ConfigurationOptions options = Alone(server);
        // The client has no way to disable further commands of a map, but its texts name them all.
        options.CommandMap = ConfigurationOptions.Parse(Options.ToString(includePassword: false) + Unasked).CommandMap;
        (options.TieBreaker, options.DefaultVersion) = ("", new Version(7, 0));
        return options;
    }

    // The first word only: a later one may be a part of a password. An option has no path, and redis:// has an error of its own.
    private static bool NamesFile(string first)
        => Array.Exists(FileStarts, start => first.StartsWith(start, StringComparison.OrdinalIgnoreCase))
        || (!first.Contains('=', StringComparison.Ordinal) && !first.Contains("://", StringComparison.Ordinal)
        && (first.AsSpan().ContainsAny('/', '\\') || (!first.Contains(':', StringComparison.Ordinal)
        && Array.Exists(FileEnds, end => first.EndsWith(end, StringComparison.OrdinalIgnoreCase)))));

    // The client uses the default port where none is given; errors should show it.
    private static void NamePorts(ConfigurationOptions options)
    {
        int usual = options.Ssl ? 6380 : 6379;
        for (int i = 0; i < options.EndPoints.Count; i++)
            options.EndPoints[i] = options.EndPoints[i] switch
            {
                DnsEndPoint { Port: 0 } name => new DnsEndPoint(name.Host, usual),
                IPEndPoint { Port: 0 } number => new IPEndPoint(number.Address, usual),
                var complete => complete,
            };
    }

    /// <summary>Combines the connection string with the options, which it overrides. Once for each address.</summary>
    public RedisStoreOptions Complete(RedisStoreOptions options)
    {
        options = options with { Prefix = Prefix ?? options.Prefix, AllowEviction = AllowEviction ?? options.AllowEviction };
        options.Check();
        if (options.CertificateValidation is { } judge) Options.CertificateValidation += judge;
        if (options.CertificateSelection is { } select) Options.CertificateSelection += select;
        return options;
    }

    public static string Text(EndPoint server) => server is DnsEndPoint name ? $"{name.Host}:{name.Port}" : $"{server}";

    public override string ToString()
        => string.Join(", ", Options.EndPoints.Select(Text))
        + (Options.DefaultDatabase is > 0 and var database ? $", database {database}" : "");
}
