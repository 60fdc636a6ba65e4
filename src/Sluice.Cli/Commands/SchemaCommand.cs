using Sluice.PostgreSql;

namespace Sluice.Cli.Commands;

/// <summary><c>sluice schema</c>: the statements that create or upgrade the tables of a store in PostgreSQL, for a database
/// administrator.</summary>
internal static class SchemaCommand
{
    private static readonly Argument<string> Schema = new("SCHEMA")
    {
        Description = "The PostgreSQL schema of the store: small letters, digits and underscores.",
        DefaultValueFactory = static _ => "sluice"
    };

    private static readonly Option<string?> User = new("--user")
    {
        HelpName = "NAME",
        Description = "The application's user, who gets the right to use the tables, and no other."
    };

    private static readonly Option<int?> From = NumberOption.Optional<int>("--from", "VERSION",
        "Upgrade tables of this version, which the error of the application names; without it, create them.");

    // Changes nothing: it lets a script say what it expects.
    private static readonly Option<bool> Sql = new("--sql") { Description = "Print SQL; it is what this command prints anyway." };

    public static Command Create()
    {
        var command = new Command("schema", "Prints the SQL that creates or upgrades the tables of a store in PostgreSQL.")
        { Schema, User, From, Sql };
        command.SetAction(static parsed => CommandRun.Guard(() => Write(parsed.GetValue(Schema)!, parsed.GetValue(User),
            parsed.GetValue(From), parsed.GetValue(CommandRun.Json))));
        return command;
    }

    private static int Write(string schema, string? user, int? from, bool isJson)
    {
        // It may have a password, which no error shows.
        if (schema.AsSpan().IndexOfAny(':', '=') >= 0)
            throw CommandException.Usage("schema takes the name of a schema, such as sluice, and not a store: it prints SQL, and "
                + "connects to no database.");
        string sql;
        try
        {
            sql = PostgresStreamStore.SchemaSql(schema, user, from);
        }
        catch (ArgumentException mistake)
        {
            throw CommandException.Usage(mistake.ParamName == "user" ? "--user takes the name of a user."
                : mistake.Message.Replace($" (Parameter '{mistake.ParamName}')", "", StringComparison.Ordinal));
        }
        if (isJson) new Screen(static () => Console.Out, isJson).Json(new { Schema = schema, Sql = sql });
        else new CommandOutput(Console.Out).Write(sql);
        return ExitCodes.Fine;
    }
}
