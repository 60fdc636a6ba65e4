using Sluice.Topologies;

namespace Sluice.PostgreSql;

/// <summary>Makes the pool of connections of a store.</summary>
internal static class DataSources
{
    // The last one is what is left of a URL behind the scheme of a setting.
    private static readonly string[] Urls = ["postgres://", "postgresql://", "//"];

    // Those that people write; Npgsql has more.
    private static readonly string[] Keywords = ["Host", "Port", "Database", "Username", "Password", "Schema", "Transaction Pooling",
        "SSL Mode", "Root Certificate", "Timeout", "Command Timeout", "Application Name", "Search Path", "Target Session Attributes",
        "Keepalive", "Maximum Pool Size", "Passfile"];

    /// <exception cref="ArgumentException">The connection string is malformed. The message does not contain it.</exception>
    public static NpgsqlConnectionStringBuilder Parse(string connection)
    {
        try
        {
            return new(connection);
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException or KeyNotFoundException or InvalidCastException)
        {
            throw Malformed(connection);
        }
    }

    /// <summary>
    /// Takes the words that are the store's own out of a connection string: <c>Schema</c>, and <c>Transaction Pooling</c>.
    /// </summary>
    public static (string Connection, PostgresStoreOptions Options) Divide(string connection, PostgresStoreOptions options)
    {
        if (connection is null)
            throw new ArgumentNullException(nameof(connection), "A PostgreSQL store is opened with a connection string like "
                + "Host=localhost;Database=shop;Username=shop. The given one is null: is its setting missing?");
        if (string.IsNullOrWhiteSpace(connection)) throw Malformed(connection);
        var words = new System.Data.Common.DbConnectionStringBuilder();
        try
        {
            words.ConnectionString = connection;
        }
        catch (ArgumentException)
        {
            throw Malformed(connection);
        }
        if (words.TryGetValue("Schema", out object? schema)) options = options with { Schema = (string)schema };
        if (words.TryGetValue("Transaction Pooling", out object? pooling))
            options = options with
            {
                TransactionPooling = bool.TryParse((string)pooling, out bool isOn) ? isOn : throw Malformed(connection)
            };
        words.Remove("Schema");
        words.Remove("Transaction Pooling");
        options.Check();
        Parse(words.ConnectionString);
        return (words.ConnectionString, options);
    }

    public static NpgsqlDataSource Make(string connection, PostgresStoreOptions options)
    {
        NpgsqlConnectionStringBuilder text = Parse(connection);
        text.MaxPoolSize = options.MaxConnections;
        text.NoResetOnClose = true;                  // the store leaves no state in a connection
        text.Enlist = false;
        text.Multiplexing = false;
        text.ApplicationName ??= "Sluice";
        text.MaxAutoPrepare = options.TransactionPooling ? 0 : 200;
        text.AutoPrepareMinUsages = 2;
        int seconds = (int)Math.Clamp(Math.Ceiling(options.Timeout.TotalSeconds), 5, 60);
        var words = new System.Data.Common.DbConnectionStringBuilder { ConnectionString = connection };
        if (!words.ContainsKey("Timeout") && !words.ContainsKey("Command Timeout") && !words.ContainsKey("CommandTimeout"))
            (text.Timeout, text.CommandTimeout) = (seconds, seconds);
        if (text.KeepAlive == 0) text.KeepAlive = 15;
        // A cancelled COMMIT that waits for a standby succeeds without it. So a call that takes too long ends its connection: the outcome
        // is not known, and the call is repeated.
        if (!words.ContainsKey("Cancellation Timeout") && !words.ContainsKey("CancellationTimeout")) text.CancellationTimeout = -1;
        // A standby accepts no writes, and answers with what was true a while ago.
        if (text.Host?.Contains(',') == true)
        {
            text.TargetSessionAttributes ??= "primary";
            // After a promotion, Npgsql tries the new primary only after this time.
            if (!words.ContainsKey("Host Recheck Seconds") && !words.ContainsKey("HostRecheckSeconds")) text.HostRecheckSeconds = 1;
        }
        var builder = new NpgsqlSlimDataSourceBuilder(text.ConnectionString);
        builder.EnableArrays();
        // Built-in types only: to read those of a database with thousands of tables takes longer than all the rest of opening.
        builder.ConfigureTypeLoading(static types => types.EnableTypeLoading(false));
        builder.EnableTransportSecurity();
        return builder.Build();
    }

    // Shows nothing of the text, which may contain a password.
    private static ArgumentException Malformed(string connection) => new(
        $"The connection string of PostgreSQL {What(connection)}. It has the form Host=localhost;Port=5432;Database=shop;Username=app;"
            + "Password=…, and may have Schema=… and Transaction Pooling=true. Other keywords are spelt as in Npgsql.", nameof(connection));

    private static string What(string connection)
        => string.IsNullOrWhiteSpace(connection) ? "is empty"
        : Urls.Any(form => connection.StartsWith(form, StringComparison.OrdinalIgnoreCase)) ? "is a URL, which Npgsql does not read"
        : connection.StartsWith("postgres:", StringComparison.OrdinalIgnoreCase)
            ? "begins with 'postgres:', which belongs to settings and to the command line: leave it out here"
        : Meant(connection) is { } near ? $"has a keyword that Npgsql does not know (perhaps '{near}' is meant)"
        : "is malformed";

    /// <summary>The known keyword that an unknown one resembles. The unknown one is not shown: it may be a part of a password.</summary>
    private static string? Meant(string connection)
    {
        var words = new System.Data.Common.DbConnectionStringBuilder();
        try
        {
            words.ConnectionString = connection;
        }
        catch (ArgumentException)
        {
            return null;
        }
        foreach (string word in words.Keys)
            if (!IsKnown(word) && word.All(static letter => char.IsAsciiLetter(letter) || letter == ' ')
                && NearNames.Of(word, Keywords) is [var near, ..]) return near;
        return null;
    }

    private static bool IsKnown(string keyword)
    {
        try
        {
            return Keywords.Contains(keyword, StringComparer.OrdinalIgnoreCase)
                || new NpgsqlConnectionStringBuilder().ContainsKey(keyword);
        }
        catch (Exception failure) when (failure is ArgumentException or KeyNotFoundException)
        {
            return false;
        }
    }
}
