using System.Globalization;
using System.Text.Json;
using Payments.Serving;

namespace Payments.Driving;

/// <summary>What has become of the payments: read from the server while it stands, and from its files when it has stopped.</summary>
internal sealed class Findings(Plan plan)
{
    private readonly Dictionary<string, int> ends = plan.Payments.ToDictionary(payment => payment.Payee, _ => 0);

    /// <summary>Whether all was read; before that, the figures say nothing.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>Payments in the ledger.</summary>
    public int Processed { get; private set; }

    /// <summary>Payments among the rejected.</summary>
    public int Rejected { get; private set; }

    /// <summary>Payments among the dead letters.</summary>
    public int Dead { get; private set; }

    /// <summary>Payments that are nowhere.</summary>
    public int Lost => ends.Values.Count(count => count == 0);

    /// <summary>Ends of payments beyond the first.</summary>
    public int Duplicated => ends.Values.Sum(count => Math.Max(0, count - 1));

    /// <summary>What all accounts have together.</summary>
    public decimal Balance { get; private set; }

    /// <summary>What does not fit, for people.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>Reads the dead letters as <c>GET /dead</c> answers them.</summary>
    public void ReadDead(JsonElement letters)
    {
        foreach (var letter in letters.EnumerateArray())
        {
            Dead++;
            if (letter.TryGetProperty("payment", out var payment)) End(payment);
            else Problems.Add($"a dead letter has no payment: {letter}");
        }
    }

    /// <summary>Compares the balances, as <c>GET /balances</c> answers them, with the plan.</summary>
    public void ReadBalances(JsonElement balances)
    {
        var found = balances.EnumerateObject().ToDictionary(account => account.Name,
            account => decimal.Parse(account.Value.GetString()!, CultureInfo.InvariantCulture));
        var expected = plan.Balances;
        Balance = found.Values.Sum();
        foreach (var account in found.Keys.Union(expected.Keys).Order(StringComparer.Ordinal))
            if (found.GetValueOrDefault(account) is var has && expected.GetValueOrDefault(account) is var should && has != should)
                Problems.Add($"{account} has {has}, not {should}");
    }

    /// <summary>Reads what was written; the numbers and balances of each account must follow each other.</summary>
    public void ReadFiles(StoreFiles files)
    {
        var accounts = new Dictionary<string, Account>();
        foreach (var line in File.ReadLines(files.Ledger).Skip(1))
        {
            Processed++;
            if (line.Split(',') is not [var account, var number, var amount, var payee, var balance]
                || !long.TryParse(number, CultureInfo.InvariantCulture, out var position)
                || !decimal.TryParse(amount, CultureInfo.InvariantCulture, out var booked)
                || !decimal.TryParse(balance, CultureInfo.InvariantCulture, out var total))
            {
                Problems.Add($"{files.Ledger}: no booking: {line}");
                continue;
            }

            End(payee);
            var before = accounts.GetValueOrDefault(account);
            var after = new Account(total, position);
            if (after != new Account(before.Balance + booked, before.Payments + 1))
                Problems.Add($"{files.Ledger}: does not follow what is before it: {line}");
            accounts[account] = after;
        }

        foreach (var line in File.ReadLines(files.Rejected))
        {
            Rejected++;
            using var rejection = JsonDocument.Parse(line);
            End(rejection.RootElement.GetProperty("payment"));
        }

        if (Totals(files) is var totals && totals != Balance) Problems.Add($"{files.Totals} adds up to {totals}, not {Balance}");
        IsWhole = true;
    }

    /// <summary>What was booked in all windows that are over.</summary>
    public static decimal Totals(StoreFiles files)
        => File.ReadLines(files.Totals).Skip(1).Sum(line => decimal.Parse(line.Split(',')[3], CultureInfo.InvariantCulture));

    private void End(JsonElement payment) => End(payment.GetProperty("payee").GetString()!);

    private void End(string payee)
    {
        if (ends.TryGetValue(payee, out var count)) ends[payee] = count + 1;
        else Problems.Add($"nobody has sent a payment to {payee}");
    }
}
