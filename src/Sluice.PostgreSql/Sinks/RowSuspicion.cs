using System.Data;
using System.Runtime.CompilerServices;

namespace Sluice.PostgreSql;

/// <summary>
/// What is known of the failures of a commit that is repeated. The client closes the connection after an internal error of the server
/// (XX000), and with it the transaction that other callers share. So two attempts find the same row, because an internal error may pass,
/// and a later one decides.
/// </summary>
/// <remarks>Used by one attempt at a time.</remarks>
internal sealed class RowSuspicion
{
    // By the values of the first row, which are the same object when the commit is repeated.
    private static readonly ConditionalWeakTable<object?[], RowSuspicion> All = [];

    private int suspect = -1;                        // the row that failed last
    private Exception? verdict;
    private RowFailure? trial;

    /// <summary>Whether rows are to be written one by one, so that the refused row has a name.</summary>
    public bool IsSingle { get; private set; }

    /// <summary>Returns what is known of a commit; null if it has not failed before.</summary>
    public static RowSuspicion? Find(IReadOnlyList<PostgresWrites> writes)
        => writes.Count > 0 && writes[0].Count > 0 && All.TryGetValue(writes[0].Statements[0].Values, out RowSuspicion? known)
            ? known : null;

    public static RowSuspicion Of(RowGroup first) => All.GetOrCreateValue(first.Statement.Values);

    /// <summary>The connection was closed after a failure.</summary>
    /// <param name="failure">The failure; null if its row is one of a group.</param>
    public void Lose(RowFailure? failure)
    {
        IsSingle = true;
        if (failure is null) return;
        if (failure.Row is not { } row) verdict = failure.OfRow();
        else if (suspect == row.First) trial = failure;          // the second time: an internal error may pass
        else suspect = row.First;
    }

    /// <summary>Throws what earlier attempts have found out.</summary>
    /// <exception cref="ItemRejectedException">A row is at fault.</exception>
    /// <exception cref="StreamStoreException">A statement or the server is at fault.</exception>
    public async Task CheckAsync(NpgsqlConnection connection)
    {
        if (verdict is not null)
        {
            Exception said = verdict;
            verdict = null;
            throw said;
        }
        if (trial is not { } failure) return;
        trial = null;
        bool isToBlame;
        try
        {
            isToBlame = await RowTrials.IsToBlameAsync(connection, failure).ConfigureAwait(false);
        }
        catch (PostgresException) when (connection.State != ConnectionState.Open)
        {
            verdict = failure.OfStatement();
            throw;
        }
        throw isToBlame ? failure.OfRow() : failure.OfStatement();
    }
}
