using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Schemas that have no store of Sluice, or can have none: each is refused by name, and nothing is changed.</summary>
public sealed class SchemaMistakeTests(SharedServer server)
{
    private readonly string schema = SharedServer.NewSchema();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("version text", true)]
    [InlineData("id int, version int", false)]
    public async Task ATableOfAnotherProgramIsNoStore(string columns, bool creates)
    {
        await server.Server.AskAsync($"CREATE SCHEMA {schema} AUTHORIZATION sluice; CREATE TABLE {schema}.meta({columns}); "
            + $"ALTER TABLE {schema}.meta OWNER TO sluice");
        var refused = await Assert.ThrowsAsync<StreamStoreException>(() => PostgresStreamStore.OpenAsync(server.Address,
            new() { Schema = schema, AutoCreate = creates }, Cancellation).AsTask());
        Assert.Contains($"The schema {schema} at 127.0.0.1:{server.Server.Port}/sluice has a table meta that is not of a store",
            refused.Message, StringComparison.Ordinal);
        Assert.True(refused.IsPermanent);
        Assert.Equal(1L, await server.Server.AskAsync($"SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'"));
    }

    [Theory]
    [InlineData("pg_temp", "PostgreSQL reserves names of schemas that begin with pg_; this one is pg_temp.")]
    [InlineData("Shop", "1 to 60 small letters, digits and underscores, a letter first; this one is Shop.")]
    [InlineData("postgres:Password=secret", "a letter first; this one is no name.")]
    public void ANameThatNoSchemaOfAStoreHasIsRefused(string name, string expected)
    {
        var refused = Assert.Throws<ArgumentException>(() => PostgresStreamStore.SchemaSql(name));
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>The user has no rights in the schema of the other database. To grant them would not help.</summary>
    [Fact]
    public async Task ATransactionOfAnotherDatabaseIsRefusedWhoeverOwnsTheSchemaThere()
    {
        string other = $"other_{schema}";
        await server.Server.AskAsync($"CREATE DATABASE {other}");
        await using NpgsqlDataSource admin = Source(server.Server.Admin);
        await using (NpgsqlCommand create = admin.CreateCommand($"CREATE SCHEMA {schema}; CREATE TABLE {schema}.intake(id int)"))
            await create.ExecuteNonQueryAsync(Cancellation);
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address, new() { Schema = schema },
            Cancellation);
        await using var orders = new Consecutor<int>("orders", static source => source | (static (int _) => { }), new() { Store = store });
        await using NpgsqlDataSource user = Source(server.Address);
        await using NpgsqlConnection connection = await user.OpenConnectionAsync(Cancellation);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(Cancellation);
        for (int i = 0; i < 2; i++)
        {
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => orders.SendAsync(1, transaction, Cancellation));
            Assert.StartsWith($"The transaction is of the database {other} at 127.0.0.1:", refused.Message, StringComparison.Ordinal);
        }
        await using var alive = new NpgsqlCommand("SELECT 1", connection);
        Assert.Equal(1, await alive.ExecuteScalarAsync(Cancellation));

        NpgsqlDataSource Source(string address)
            => NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(address) { Database = other, Pooling = false });
    }
}
