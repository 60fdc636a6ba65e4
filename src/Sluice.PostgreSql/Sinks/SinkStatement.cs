using System.Text.RegularExpressions;

namespace Sluice.PostgreSql;

/// <summary>The statement that writes an item's row, shared by the function that makes rows and the sink that writes them.</summary>
internal sealed partial class SinkStatement(string sql)
{
    private const int MatchTimeoutMs = 1000;

    private static readonly string[] Kinds = ["INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "WITH"];
    private volatile int places = -1;

    public string Sql => sql;

    /// <summary>The number of the statement's parameters. Set once the server has told it.</summary>
    public int Places
    {
        set => places = value;
    }

    /// <summary>Refuses statements that could end the store's transaction or change its settings.</summary>
    /// <exception cref="ArgumentException">The statement is empty, or of a kind that a sink cannot run.</exception>
    public static void Check(string sql)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(sql);
        string text = sql.TrimStart();
        int length = 0;
        while (length < text.Length && char.IsAsciiLetter(text[length])) length++;
        if (Kinds.Contains(text[..length], StringComparer.OrdinalIgnoreCase)) return;
        throw new ArgumentException($"A sink runs INSERT, UPDATE, DELETE, MERGE, SELECT or WITH in the store's transaction, not: {sql}",
            nameof(sql));
    }

    /// <summary>
    /// Whether a statement may succeed without changing a row, and the server's count of its rows tells whether it has. False for a WITH,
    /// because the server counts the rows of its last part only, and for a plain INSERT, because the server counts no row if a trigger
    /// writes it to another table: these statements count as a change.
    /// </summary>
    public static bool MayChangeNothing(string sql) => Conditional().IsMatch(sql);

    /// <summary>
    /// Whether the words of a statement let it do one thing with a row and another thing with the next one, such as insert or update. Then
    /// other triggers run, and a row that is taken tells nothing of another one.
    /// </summary>
    public static bool MayDiffer(string sql) => Several().IsMatch(sql);

    /// <exception cref="ArgumentException">The number of values differs from the number of parameters.</exception>
    public void CheckCount(int values)
    {
        if (places >= 0) CheckCount(sql, places, values);
    }

    /// <summary>
    /// The server would answer with an error of the protocol, after which Npgsql closes the connection: that looks like an outage.
    /// </summary>
    /// <exception cref="ArgumentException">The number of values differs from the number of parameters.</exception>
    public static void CheckCount(string sql, int places, int values)
    {
        if (values != places)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"The row has {values} values, and the statement {places} parameters: {sql}"));
    }

    /// <summary>The error of a sink one of whose statements is invalid.</summary>
    /// <param name="state">The sink.</param>
    /// <param name="sql">The statement that runs for each item, and that failed unless <paramref name="create"/> did.</param>
    /// <param name="create">The statement that makes the table; null for none.</param>
    /// <param name="refused">What the server said, and of which statement.</param>
    public static InvalidOperationException Refused(SinkState state, string sql, string? create, SinkStatementException refused)
    {
        PostgresException cause = refused.Cause;
        string sink = $"The sink {state.Node} of {state.Consecutor} cannot run", why = $"{cause.MessageText} ({cause.SqlState})";
        if (refused.IsCreate)
            return new($"{sink} the statement that makes its table: {why}. Correct it: create takes one statement. The statement: {create}",
                cause);
        string hint = cause.SqlState is PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.SyntaxError && NamedPlace().IsMatch(sql)
            ? " Its parameters are $1, $2 and so on: they have no names." : "";
        string advice = create is null ? "Correct it, or give the statement that makes its table (create)." : "Correct it.";
        return new($"{sink} its statement: {why}. {advice}{hint} The statement: {sql}", cause);
    }

    // Also an operator that is written like that: it only adds a hint to an error.
    [GeneratedRegex(@"(^|[\s(,=])[@:][A-Za-z_]", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, MatchTimeoutMs)]
    private static partial Regex NamedPlace();

    [GeneratedRegex(@"^\s*(INSERT\b.*\b(CONFLICT|SELECT)\b|UPDATE\b|DELETE\b|MERGE\b)",
        RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, MatchTimeoutMs)]
    private static partial Regex Conditional();

    // Also a text with these words: then the trial proves nothing, and the item waits.
    [GeneratedRegex(@"^\s*(MERGE|WITH)\b|\bDO\s+UPDATE\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
        | RegexOptions.ExplicitCapture, MatchTimeoutMs)]
    private static partial Regex Several();
}

/// <summary>The server refuses a statement of a sink before it is run for an item.</summary>
/// <param name="text">The statement.</param>
/// <param name="isCreate">Whether it is the one that makes the sink's table.</param>
/// <param name="cause">What the server said.</param>
internal sealed class SinkStatementException(string text, bool isCreate, PostgresException cause) : StreamStoreException(
    $"A statement of a sink cannot be run: {cause.MessageText} ({cause.SqlState}). The statement: {text}", cause)
{
    public bool IsCreate => isCreate;

    public PostgresException Cause => cause;
}
