using Npgsql;

namespace Sluice.PostgreSql.Tests;

/// <summary>Parameters are counted before a statement is sent: as the server counts them.</summary>
public sealed class SqlPlacesTests(SharedServer server)
{
    private static readonly string[] Items =
    [
        "$#::int", "$#::text", "-$#::int", "1-$#::int", "'it''s $9'", @"'\'", @"E'\'$9'", @"e'\\'", @"E'a\\\''", "'$9' --'$9\n", "\"c$9\"",
        "1 AS \"a\"\"$9\"", "$$ $9 ' $$", "$a$ $$ $9 $b$ $a$", "$_1$ $9 $_1$", "/* $9 /* ' */ $9 */ 1", "1 -- $9\n", "1 -- '\r", "1 AS a$9",
        "1 AS é$9", "B'1'", "N'$9'", @"U&'\0041$9'", "E'a'\n'b\\'$9'", "E'a'\n -- $9\n 'b\\'$9'", "'a'\n'b\\'", "'a' -- $9\n'b'",
        "U&\"d\\0061t\" FROM (SELECT 1 AS dat) x", "ARRAY[$#::int, 1]", "'a'||'b'", "$#::int+ /**/ -1", "1 /* -- */ ", "'-- ' || $#::text"
    ];

    private const string Alphabet = "'\"$1aE\\-/*\n eé,;(";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("SELECT 1", 0)]
    [InlineData("INSERT INTO t VALUES($1, '$2', $3)", 3)]
    [InlineData("SELECT $1 -- $2", 1)]
    [InlineData("SELECT '$1", 0)]
    [InlineData("SELECT $a$ $1", 0)]
    [InlineData("SELECT /* $1", 0)]
    [InlineData("SELECT $", 0)]
    [InlineData("SELECT E'\\", 0)]
    [InlineData("SELECT $99999999999", int.MaxValue)]
    [InlineData("", 0)]
    public void ParametersAreCountedOutsideOfTextsNamesAndComments(string sql, int count) => Assert.Equal(count, SqlPlaces.Count(sql));

    /// <summary>Lists of expressions that are hard to read, and random characters: what the server can prepare, both count alike.</summary>
    [Fact]
    public async Task TheServerCountsTheSame()
    {
        await using NpgsqlConnection connection = await server.Direct.OpenConnectionAsync(Cancellation);
        var random = new Random(20_261_125);
        int accepted = 0, strange = 0;
        for (int i = 0; i < 1500; i++)
        {
            bool isStrange = i % 3 == 0;
            string sql = isStrange ? $"SELECT $1::int, {Strange(random)}" : List(random);
            if (await CountAsync(connection, sql) is not { } places) continue;
            accepted++;
            if (isStrange) strange++;
            Assert.True(places == SqlPlaces.Count(sql), $"The server counts {places}, not {SqlPlaces.Count(sql)}: {sql}");
        }
        Assert.True(accepted > 700 && strange > 5, $"The server has accepted {accepted}, {strange} of them of random characters.");
    }

    [Fact]
    public void AWrongNumberOfValuesIsRefusedAtTheCall()
    {
        var writes = new PostgresWrites();
        foreach (object?[] values in (object?[][])[[], [1], [1, 2, 3]])
            Assert.Equal($"The row has {values.Length} values, and the statement 2 parameters: INSERT INTO t VALUES($1, $2, '$3')",
                Assert.Throws<ArgumentException>(() => writes.Add("INSERT INTO t VALUES($1, $2, '$3')", values)).Message);
        Assert.Equal(1, writes.Add("INSERT INTO t VALUES($1, $2, '$3')", 1, 2).Count);
    }

    // Parameters without gaps, in any order: for others the server could not tell the type.
    private static string List(Random random)
    {
        int parameters = 0;
        string[] items = [.. Enumerable.Range(0, random.Next(1, 9)).Select(_ => Items[random.Next(Items.Length)]).OrderBy(static item
            => item.Contains("FROM", StringComparison.Ordinal))];
        items = [.. items.Where((item, i) => i == items.Length - 1 || !item.Contains("FROM", StringComparison.Ordinal))];
        return "SELECT " + string.Join(random.Next(2) == 0 ? "," : "\n, ", items.Select(item => item.Contains('#')
            ? item.Replace("#", $"{++parameters}", StringComparison.Ordinal) : item));
    }

    private static string Strange(Random random)
        => string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));

    private static async Task<int?> CountAsync(NpgsqlConnection connection, string sql)
    {
        try
        {
            await using var prepare = new NpgsqlBatch(connection) { BatchCommands = { new($"PREPARE places AS {sql}") } };
            await prepare.ExecuteNonQueryAsync(Cancellation);
        }
        catch (PostgresException)
        {
            return null;
        }
        await using var count = new NpgsqlCommand("SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'places'",
            connection);
        int places = (int)(await count.ExecuteScalarAsync(Cancellation))!;
        await using var forget = new NpgsqlBatch(connection) { BatchCommands = { new("DEALLOCATE places") } };
        await forget.ExecuteNonQueryAsync(Cancellation);
        return places;
    }
}
