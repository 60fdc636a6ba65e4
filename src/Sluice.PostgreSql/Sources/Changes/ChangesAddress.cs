namespace Sluice.PostgreSql.Sources;

/// <summary>Makes the connection strings of a source of changes.</summary>
internal static class ChangesAddress
{
    // As PostgreSQL's own subscribers do: values come as texts, which must not depend on settings of the user or the database.
    private const string Formats = "-c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=3";

    /// <summary>Checks what the user has given.</summary>
    /// <exception cref="ArgumentException">It is malformed, or has words of stores.</exception>
    public static string Of(string connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        (string text, PostgresStoreOptions options) = DataSources.Divide(connection, new());
        if (options.Schema != new PostgresStoreOptions().Schema) throw new ArgumentException(
            "Schema= is a word of stores: the publication says which tables the source reads.", nameof(connection));
        if (options.TransactionPooling) throw new ArgumentException(
            "Transaction Pooling=true is a word of stores: replication needs a connection to the server itself.", nameof(connection));
        NpgsqlConnectionStringBuilder words = DataSources.Parse(text);
        if (string.IsNullOrEmpty(words.Host)) throw new ArgumentException(
            "The connection string of PostgreSQL names no Host.", nameof(connection));
        words.Options = string.IsNullOrEmpty(words.Options) ? Formats : $"{words.Options} {Formats}";
        // Of one server the client refuses them. A source looks at the server itself.
        if (!words.Host.Contains(',', StringComparison.Ordinal)) words.Remove("Target Session Attributes");
        return words.ConnectionString;
    }

    /// <summary>The connection for replication: to the server that the other connections have found, because the client does not choose
    /// between several here.</summary>
    public static string OfReplication(string connection, ChangesServer server)
    {
        var words = new NpgsqlConnectionStringBuilder(connection) { Host = server.Host, Port = server.Port };
        words.Remove("Target Session Attributes");
        words.Remove("Load Balance Hosts");
        return words.ConnectionString;
    }
}
