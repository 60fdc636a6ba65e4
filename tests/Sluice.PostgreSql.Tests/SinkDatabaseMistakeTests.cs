using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Statements, values, rights and addresses of a sink in another database.</summary>
public sealed class SinkDatabaseMistakeTests(SharedServer server) : DatabaseSink(server)
{
    [Fact]
    public async Task ValuesOfAllTypesAreUndone()
    {
        object?[] row = [true, (short)-3, 4, 1L << 40, 0.1f, double.NaN, 1.10m, "é😀'", new Guid("6f9619ff-8b86-d011-b42d-00c04fc964ff"),
            new DateOnly(2026, 11, 25), new TimeOnly(1, 2, 3), TimeSpan.FromMinutes(-5), DateTimeOffset.UnixEpoch.AddTicks(12_345_670),
            new DateTime(2026, 1, 1), new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc), new byte[] { 0, 255 }, new[] { 1, 2 },
            new string?[] { "a", null }, Array.Empty<double>(), null];
        Assert.Equal(row, NoteValues.Read(NoteValues.Write(SinkValues.Prepare(row))));
        byte[] note = NoteValues.Write(row);
        for (int i = 1; i < note.Length; i++)
            Assert.ThrowsAny<InvalidDataException>(() => NoteValues.Read(note[..i]));
        string[] types = ["bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "uuid", "date", "time", "interval",
            "timestamptz", "timestamp", "timestamptz", "bytea", "int4[]", "text[]", "float8[]", "text"];
        string create = $"CREATE TABLE IF NOT EXISTS every({string.Join(", ", types.Select((type, i) => $"c{i} {type}"))})";
        string insert = $"INSERT INTO every VALUES({string.Join(", ", types.Select((_, i) => $"${i + 1}"))})";
        string delete = $"DELETE FROM every WHERE {string.Join(" AND ", types.Select((_, i) => $"c{i} IS NOT DISTINCT FROM ${i + 1}"))}";
        TransactionalSink<object?[]> sink = await BeginAsync(Sink(insert, delete, create));
        SinkCommit<object?[]> commit = new(new(0), "words", [new(row, "0", 1, 0), new(new object?[row.Length], "1", 1, 0)]);
        await sink.Prepare(commit, default);
        Assert.Equal(2L, await Shared.Server.AskAsync($"SELECT count(*) FROM {Schema}.every"));
        await sink.Finish(commit, false, default);
        Assert.Equal(0L, await Shared.Server.AskAsync($"SELECT count(*) FROM {Schema}.every"));
        await sink.End();
    }

    [Theory]
    [InlineData("INSERT INTO nowhere VALUES($1)", Delete, "relation \"nowhere\" does not exist (42P01)")]
    [InlineData(Insert, "DELETE FROM nowhere", "relation \"nowhere\" does not exist (42P01)")]
    [InlineData("INSERT INTO word VALUES(", Delete, "syntax error at end of input")]
    [InlineData("INSERT INTO word VALUES($1, $2, NULL)", "DELETE FROM word WHERE text = $1 AND raw = $3 AND length = $2",
        "the statement for that has 3 parameters, and the one that writes a row 2")]
    public async Task AnInvalidStatementIsRefusedAtTheStart(string insert, string delete, string why)
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => BeginAsync(Sink(insert, delete, Create)));
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.Contains("The sink words of books cannot", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AServerWithoutTlsIsNamedAsSuch()
    {
        await using var connections = NpgsqlDataSource.Create($"{Address};SSL Mode=Require");
        var failure = await Assert.ThrowsAsync<IOException>(() => BeginAsync(new PostgresDatabase(() => connections, false, "here",
            new(Insert), Delete, null, false)));
        Assert.Contains("There is no TLS connection to the database", failure.Message, StringComparison.Ordinal);
        Assert.Contains("the server does not offer TLS to this host", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARoleThatMayNotCreateTablesNeedsThemMade()
    {
        string role = $"writer_{Schema}";
        await Shared.Server.AskAsync($"CREATE USER {role} PASSWORD 'secret'; GRANT USAGE ON SCHEMA {Schema} TO {role}; SET search_path = "
            + $"{Schema}; {Create}; GRANT ALL ON word TO {role}");
        var connections = NpgsqlDataSource.Create(Address.Replace("Username=sluice", $"Username={role}", StringComparison.Ordinal));
        var failure = await Assert.ThrowsAsync<IOException>(() => BeginAsync(Made()));
        Assert.Contains("permission denied for schema", failure.Message, StringComparison.Ordinal);
        await Shared.Server.AskAsync($"SET search_path = {Schema}; {SinkNotes.Create}; GRANT SELECT, INSERT, UPDATE, DELETE ON "
            + $"sluice_sink, sluice_sink_row TO {role}");
        TransactionalSink<object?[]> sink = await BeginAsync(Made());
        await CommitAsync(sink, ["a"]);
        await sink.End();
        await connections.DisposeAsync();

        PostgresDatabase Made() => new(() => connections, false, "here", new(Insert), Delete, null, false);
    }

    [Fact]
    public async Task ADisposedDataSourceIsNamed()
    {
        var connections = NpgsqlDataSource.Create(Address);
        TransactionalSink<object?[]> sink = await BeginAsync(new PostgresDatabase(() => connections, false, "here", new(Insert), Delete,
            Create, false));
        await connections.DisposeAsync();
        var failure = await Assert.ThrowsAsync<IOException>(() => CommitAsync(sink, ["a"]));
        Assert.StartsWith("The NpgsqlDataSource that you gave to the sink of the database here was disposed,", failure.Message,
            StringComparison.Ordinal);
        await sink.End();
    }

    [Fact]
    public void MistakesAreRefusedBeforeTheStart()
    {
        Func<string, object?[]> values = word => Row(word);
        Assert.Contains("malformed", Assert.Throws<ArgumentException>(() => PostgresSink.InDatabase("nonsense", Insert, Delete, values))
            .Message, StringComparison.Ordinal);
        Assert.Contains("Schema= is a word of stores", Assert.Throws<ArgumentException>(()
            => PostgresSink.InDatabase("Host=x;Schema=shop", Insert, Delete, values)).Message, StringComparison.Ordinal);
        Assert.Contains("A sink runs INSERT", Assert.Throws<ArgumentException>(()
            => PostgresSink.InDatabase("Host=x", Insert, "TRUNCATE word", values)).Message, StringComparison.Ordinal);
    }
}
