using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Npgsql;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// A schema without rows on the shared server, with connections that have prepared its statements. One test uses it at a time; the next one
/// gets it emptied. To create a schema takes longer than most tests do.
/// </summary>
internal sealed partial class EmptiedSchema
{
    private static readonly ConcurrentDictionary<(string Address, bool IsPooled), ConcurrentBag<EmptiedSchema>> Free = [];

    private static readonly string[] Emptying =
    [
        .. SchemaText.Create.Select(static text => Table().Match(text)).Where(static table => table.Success && table.Value != "meta")
            .Select(static table => $"DELETE FROM ~{table.Value}"),
        "UPDATE ~meta SET store = replace(gen_random_uuid()::text, '-', ''), generation = 1"
    ];

    private readonly (string Address, bool IsPooled) server;

    private EmptiedSchema((string Address, bool IsPooled) server)
    {
        this.server = server;
        Connections = Connect();
    }

    public string Name { get; } = SharedServer.NewSchema();

    /// <summary>The connections for the stores of this schema. Their application has the schema's name.</summary>
    public NpgsqlDataSource Connections { get; private set; }

    /// <param name="address">The address of the shared server, or of a pooler before it.</param>
    /// <param name="isPooled">Whether a pooler gives each transaction any connection.</param>
    public static EmptiedSchema Rent(string address, bool isPooled = false)
        => FreeOf((address, isPooled)).TryTake(out EmptiedSchema? free) ? free : new((address, isPooled));

    /// <summary>Opens a store that returns the schema when it is disposed.</summary>
    public static async ValueTask<IStreamStore> OpenStoreAsync(PostgresStoreOptions options)
    {
        EmptiedSchema schema = Rent(SharedServer.Current.Address);
        return new Returned(await PostgresStreamStore.OpenAsync(schema.Connections, options with { Schema = schema.Name }), schema);
    }

    /// <summary>Ends the connections on the server, and makes new ones.</summary>
    public async ValueTask KillAsync()
    {
        await SharedServer.Current.Server.AskAsync(
            $"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '{Name}'");
        await Connections.DisposeAsync();
        Connections = Connect();
    }

    /// <summary>Deletes all rows. Every store of the schema is closed.</summary>
    public async ValueTask ReturnAsync()
    {
        var sql = new Sql(Name);
        // Not by way of a pooler: its connections serve other tests, too, whose kills end them.
        await using NpgsqlBatch batch = SharedServer.Current.Direct.CreateBatch();
        foreach (string text in Emptying) batch.BatchCommands.Add(new(sql.Text(text)));
        await batch.ExecuteNonQueryAsync();
        FreeOf(server).Add(this);
    }

    private static ConcurrentBag<EmptiedSchema> FreeOf((string, bool) server) => Free.GetOrAdd(server, static _ => []);

    private NpgsqlDataSource Connect() => DataSources.Make($"{server.Address};Application Name={Name}",
        new() { MaxConnections = 16, TransactionPooling = server.IsPooled });

    [GeneratedRegex(@"(?<=^CREATE TABLE ~)\w+")]
    private static partial Regex Table();

    private sealed class Returned(IStreamStore inner, EmptiedSchema schema) : StreamStoreWrapper(inner)
    {
        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await schema.ReturnAsync();
        }
    }
}
