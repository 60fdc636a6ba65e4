namespace Sluice.Celery;

/// <summary>The address of a broker or a result backend. Its text shows host and database, never user and password.</summary>
internal sealed class BrokerAddress
{
    private const string Forms = "redis://:PASSWORD@HOST:PORT/DATABASE, or amqp://USER:PASSWORD@HOST:PORT/VHOST";

    private BrokerAddress() { }

    public bool IsRedis { get; private init; }

    public bool IsTls { get; private init; }

    public string Host { get; private init; } = "";

    public int Port { get; private init; }

    public string User { get; private init; } = "";

    public string Password { get; private init; } = "";

    /// <summary>The database of Redis.</summary>
    public int Database { get; private init; }

    /// <summary>The virtual host of RabbitMQ.</summary>
    public string VirtualHost { get; private init; } = "/";

    /// <exception cref="ArgumentException">The address cannot be read. The message says why, without the address.</exception>
    public static BrokerAddress Parse(string address, string name = "broker")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(address, name);
        if (address.Contains(';', StringComparison.Ordinal)) throw Wrong("has several servers; give one of them", name);
        int colon = address.IndexOf("://", StringComparison.Ordinal);
        if (colon < 0) throw Wrong("has no scheme", name);
        string scheme = address[..colon].ToLowerInvariant();
        (bool isRedis, bool isTls, int usual) = scheme switch
        {
            "redis" => (true, false, 6379),
            "rediss" => (true, true, 6379),
            "amqp" or "pyamqp" => (false, false, 5672),
            "amqps" => (false, true, 5671),
            _ => throw Wrong(scheme.All(char.IsAsciiLetterOrDigit) && scheme.Length < 12
                ? $"begins with {scheme}://, which this package does not speak" : "has an unknown scheme", name),
        };
        if (colon + 3 == address.Length || address[colon + 3] == '/')
            throw Wrong($"has no host. Celery takes that for this machine: write {scheme}://localhost", name);
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0)
            throw Wrong("cannot be read. Special characters of a password must be percent-encoded, such as %40 for @", name);
        string[] user = uri.UserInfo.Split(':', 2);
        string path = Uri.UnescapeDataString(uri.AbsolutePath.Length > 0 ? uri.AbsolutePath[1..] : "");
        int database = 0;
        if (isRedis && path.Length > 0
            && (!int.TryParse(path, NumberStyles.None, CultureInfo.InvariantCulture, out database) || database > 65_535))
            throw Wrong("has no number of a database behind the host", name);
        return new()
        {
            IsRedis = isRedis,
            IsTls = isTls,
            Host = uri.IdnHost,
            Port = uri.Port > 0 ? uri.Port : usual,
            User = Uri.UnescapeDataString(user[0]),
            Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : "",
            Database = database,
            VirtualHost = path.Length > 0 ? path : "/",
        };
    }

    public override string ToString() => IsRedis ? $"Redis at {ShownHost}:{Port}" + (Database > 0 ? $", database {Database}" : "")
        : $"RabbitMQ at {ShownHost}:{Port}" + (VirtualHost != "/" ? $", virtual host {VirtualHost}" : "");

    private string ShownHost => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;

    private static ArgumentException Wrong(string why, string name)
        => new($"The address of the Celery {(name == "broker" ? "broker" : "result backend")} {why}. It is {Forms}; with TLS rediss:// or "
            + $"amqps://.", name);
}
