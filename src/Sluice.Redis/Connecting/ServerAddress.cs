using System.Net;
using System.Net.Security;

namespace Sluice.Redis;

/// <summary>The address of the server. Its text shows hosts and database, never the password.</summary>
internal sealed class ServerAddress
{
    private const string PrefixOption = "prefix=";

    // The client hangs if it knows that the server is clustered, so it must not ask: by INFO or CLUSTER, or by SET of its own key, which
    // another server may have.
    private const string Unasked = ",$CLUSTER=,$INFO=,$SET=";

    // What a user writes who means a SQLite file.
    private static readonly string[] FileStarts = ["sqlite:", "file:", "Data Source=", "DataSource=", "Filename="];
    private static readonly string[] FileEnds = [".db", ".db3", ".sqlite", ".sqlite3"];

    private readonly string text;
    private RemoteCertificateValidationCallback? judge;

    private ServerAddress(ConfigurationOptions options, string? prefix, string text)
        => (Options, Prefix, this.text) = (options, prefix, text);

    public ConfigurationOptions Options { get; }

    /// <summary>The prefix of keys in the connection string; null if there is none.</summary>
    public string? Prefix { get; }

    /// <exception cref="ArgumentException">The connection string is invalid. The message says why, without the string.</exception>
    public static ServerAddress Parse(string connection)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connection);
        if (NamesFile(connection.Split(',')[0].Trim()))
            throw new ArgumentException(
                "The connection string for Redis is the path of a file, and SqliteStreamStore opens files (UseSqlite; sqlite:FILE in "
                    + "settings). A Redis server is named by HOST:PORT, as in localhost:6379. A host whose name ends in .db needs its "
                    + "port.",
                nameof(connection));
        ILookup<bool, string> words = connection.Split(',')
            .ToLookup(word => word.TrimStart().StartsWith(PrefixOption, StringComparison.OrdinalIgnoreCase));
        string? prefix = words[true].LastOrDefault()?.Trim()[PrefixOption.Length..];
        string text = string.Join(',', words[false]);
        ConfigurationOptions options;
        try
        {
            options = ConfigurationOptions.Parse(text);
        }
        catch (ArgumentException wrong)
        {
            // The parser's message quotes the unknown option, which may be half of a password.
            string name = (wrong.ParamName ?? "").Split('=')[0];
            throw new ArgumentException(
                $"A connection string for Redis is like localhost:6379,password=…,ssl=true,defaultDatabase=0; this one cannot be "
                    + $"read{(name.Length is > 0 and < 30 ? $" ({name})" : "")}.", nameof(connection));
        }
        if (options.EndPoints.Count == 0)
            throw new ArgumentException(
                "The connection string for Redis names no server, or one that cannot be read: it begins with HOST:PORT, as in "
                    + "localhost:6379 (no redis:// before it).", nameof(connection));
        if (options.DefaultDatabase < 0) throw new ArgumentException(
            $"The connection string for Redis has defaultDatabase={options.DefaultDatabase}: databases are numbered from 0 on.",
                nameof(connection));
        NamePorts(options);
        Complete(options);
        return new(options, prefix, text);
    }

    /// <summary>Returns options for one server of a cluster, which the client treats as a single server.</summary>
    public ConfigurationOptions Alone(EndPoint server)
    {
        ConfigurationOptions options = ConfigurationOptions.Parse(text + Unasked);
        options.EndPoints.Clear();
        options.EndPoints.Add(server);
        Complete(options);
        (options.TieBreaker, options.DefaultVersion) = ("", new Version(7, 0));
        if (judge is not null) options.CertificateValidation += judge;
        return options;
    }

    // The first word only: a later one may be a part of a password. An option has no path, and redis:// has an error of its own.
    private static bool NamesFile(string first)
        => Array.Exists(FileStarts, start => first.StartsWith(start, StringComparison.OrdinalIgnoreCase))
        || (!first.Contains('=', StringComparison.Ordinal) && !first.Contains("://", StringComparison.Ordinal)
        && (first.AsSpan().ContainsAny('/', '\\') || (!first.Contains(':', StringComparison.Ordinal)
        && Array.Exists(FileEnds, end => first.EndsWith(end, StringComparison.OrdinalIgnoreCase)))));

    private static void Complete(ConfigurationOptions options)
        => (options.AbortOnConnectFail, options.AllowAdmin, options.ClientName) = (false, true, options.ClientName ?? "sluice");

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

    /// <summary>Combines the connection string with the options, which it overrides.</summary>
    public RedisStoreOptions Complete(RedisStoreOptions options)
    {
        options = Prefix is null ? options : options with { Prefix = Prefix };
        options.Check();
        judge = options.CertificateValidation;
        if (judge is not null) Options.CertificateValidation += judge;
        return options;
    }

    public static string Text(EndPoint server) => server is DnsEndPoint name ? $"{name.Host}:{name.Port}" : $"{server}";

    public override string ToString()
        => string.Join(", ", Options.EndPoints.Select(Text))
        + (Options.DefaultDatabase is > 0 and var database ? $", database {database}" : "");
}
