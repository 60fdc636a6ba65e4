using System.Net;
using System.Net.Security;
using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>Where the server is. Its text names hosts and the database, and never the password.</summary>
internal sealed class ServerAddress
{
    private const string PrefixOption = "prefix=";

    // A client that knows that it talks to a cluster hangs, so it does not ask. It learns from INFO and CLUSTER, or tries SET on a key of its own, which another server may have.
    private const string Unasked = ",$CLUSTER=,$INFO=,$SET=";

    private readonly string text;
    private RemoteCertificateValidationCallback? judge;

    private ServerAddress(ConfigurationOptions options, string? prefix, string text) => (Options, Prefix, this.text) = (options, prefix, text);

    public ConfigurationOptions Options { get; }

    /// <summary>What the keys begin with, if the connection string says so.</summary>
    public string? Prefix { get; }

    /// <exception cref="ArgumentException">It is no connection string: says what is wrong, without showing it.</exception>
    public static ServerAddress Parse(string connection)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connection);
        ILookup<bool, string> words = connection.Split(',').ToLookup(word => word.TrimStart().StartsWith(PrefixOption, StringComparison.OrdinalIgnoreCase));
        string? prefix = words[true].LastOrDefault()?.Trim()[PrefixOption.Length..];
        string text = string.Join(',', words[false]);
        ConfigurationOptions options;
        try
        {
            options = ConfigurationOptions.Parse(text);
        }
        catch (ArgumentException wrong)
        {
            // What the parser says quotes the option that it does not know, and that may be half of a password.
            string name = (wrong.ParamName ?? "").Split('=')[0];
            throw new ArgumentException(
                $"A connection string for Redis is like localhost:6379,password=…,ssl=true,defaultDatabase=0; this one cannot be read{(name.Length is > 0 and < 30 ? $" ({name})" : "")}.", nameof(connection));
        }
        if (options.EndPoints.Count == 0)
            throw new ArgumentException("The connection string for Redis names no server, or one that cannot be read: it begins with HOST:PORT, as in localhost:6379 (no redis:// before it).", nameof(connection));
        if (options.DefaultDatabase < 0) throw new ArgumentException($"The connection string for Redis has defaultDatabase={options.DefaultDatabase}: databases are numbered from 0 on.", nameof(connection));
        NamePorts(options);
        Complete(options);
        return new(options, prefix, text);
    }

    /// <summary>The options for one server of a cluster, which the client takes for a server of its own.</summary>
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

    private static void Complete(ConfigurationOptions options)
        => (options.AbortOnConnectFail, options.AllowAdmin, options.ClientName) = (false, true, options.ClientName ?? "sluice");

    // The client takes the usual port where none is given; errors are to say which.
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

    /// <summary>Completes what the connection string says by what stands in the options.</summary>
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
        => string.Join(", ", Options.EndPoints.Select(Text)) + (Options.DefaultDatabase is > 0 and var database ? $", database {database}" : "");
}
