namespace Sluice.PostgreSql.Tests;

/// <summary>Statements for a single row.</summary>
public class RowsCommandTests
{
    [Theory]
    [InlineData("UPDATE t SET x = k.x FROM unnest($1::bigint[], $2::text[]) k(id, x) WHERE t.id = k.id AND t.y = $3",
        "UPDATE t SET x = k.x FROM (SELECT $1::bigint, $2::text) k(id, x) WHERE t.id = k.id AND t.y = $3")]
    [InlineData("INSERT INTO t(a, b) SELECT * FROM unnest($1::int[], $10::bytea[]) ON CONFLICT (a) DO NOTHING",
        "INSERT INTO t(a, b) SELECT $1::int, $10::bytea ON CONFLICT (a) DO NOTHING")]
    public void HaveNoArrays(string text, string one) => Assert.Equal(one, RowsCommand.One(text));
}
