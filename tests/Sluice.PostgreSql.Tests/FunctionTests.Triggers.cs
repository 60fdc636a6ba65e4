using Npgsql;
using Sluice.Tests.Delivery;

namespace Sluice.PostgreSql.Tests;

public sealed partial class FunctionTests
{
    /// <summary>The code of the trigger does not tell that a row is at fault, and with XX000 the client closes the connection.</summary>
    [Theory]
    [InlineData("MY001", "A constraint that is checked last has refused it: no (MY001)")]
    [InlineData("42501", "A constraint that is checked last has refused it: no (42501)")]
    [InlineData("40001", "A constraint that is checked last has refused it: no (40001)")]
    [InlineData("57014", "A constraint that is checked last has refused it: no (57014)")]
    [InlineData("XX000", "The server has failed behind it: no (XX000)")]
    public async Task ADeferredTriggerFailsTheItemOfItsFunctionOnly(string code, string expected)
    {
        await server.Server.AskAsync($"CREATE FUNCTION {schema}.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.n = 7 AND "
            + $"NEW.kind = 'row' THEN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$; "
            + $"CREATE CONSTRAINT TRIGGER look AFTER INSERT ON {schema}.number DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
            + $"EXECUTE FUNCTION {schema}.look()");
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<NpgsqlTransaction>((transaction, cancellation) => InsertAsync(transaction, n, "row", cancellation));
            return default;
        });
        await CommitLab.RunAsync(numbers, 20, dead: 1);
        Assert.Contains(expected, (await ErrorsAsync(numbers))[7], StringComparison.Ordinal);
    }

    /// <summary>The server cancels the check of the constraints each time. The round is repeated, and then the item fails.</summary>
    [Fact]
    public async Task ACheckThatIsCancelledEachTimeFailsItsItemOnly()
    {
        await server.Server.AskAsync($"CREATE FUNCTION {schema}.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.n = 7 AND "
            + "NEW.kind = 'row' THEN PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(1); END IF; RETURN NEW; END $$; "
            + $"CREATE CONSTRAINT TRIGGER look AFTER INSERT ON {schema}.number DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
            + $"EXECUTE FUNCTION {schema}.look()");
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<NpgsqlTransaction>((transaction, cancellation) => InsertAsync(transaction, n, "row", cancellation));
            return default;
        });
        await CommitLab.RunAsync(numbers, 20, dead: 1);
        Assert.Contains("longer than 120 seconds, or were cancelled, 5 times: canceling statement due to user request (57014)",
            (await ErrorsAsync(numbers))[7], StringComparison.Ordinal);
    }
}
