namespace Payments.Serving;

/// <summary>The files of a bank: the store, and what is written beside it.</summary>
/// <param name="Store">The store.</param>
/// <param name="Ledger">Every change of a balance.</param>
internal sealed record StoreFiles(string Store, string Ledger)
{
    /// <summary>The totals of each window.</summary>
    public string Totals => Store + ".totals.csv";

    /// <summary>The payments that were rejected.</summary>
    public string Rejected => Store + ".rejected.ndjson";

    /// <summary>Where the ledger is unless something else is said.</summary>
    public static string LedgerBeside(string store) => store + ".ledger.csv";
}
