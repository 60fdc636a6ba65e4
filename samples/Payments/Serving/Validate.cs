using Sluice;

namespace Payments.Serving;

/// <summary>Lets payments pass that can be booked; the others go to the output "rejected", with the reason.</summary>
internal sealed class Validate : StageNode<Payment, Payment>
{
    /// <summary>Characters of an account or a payee.</summary>
    public const int LongestName = 200;

    // With these two, a balance stays within the 28 digits of a decimal: nothing is ever rounded.
    private const decimal Most = 1_000_000_000_000m;
    private const int MostDecimals = 8;

    /// <summary>The payments that cannot be booked.</summary>
    public NamedOutput<Rejection> Rejected { get; } = new("rejected");

    /// <summary>What is wrong with an account or a payee; null if nothing is.</summary>
    public static string? WrongWith(string name)
    {
        if (string.IsNullOrWhiteSpace(name)) return "is blank";
        if (name.Length > LongestName) return $"is longer than {LongestName} characters";
        return name.Any(char.IsControl) ? "has control characters" : null;
    }

    protected override ValueTask ProcessAsync(Payment item, Output<Payment> output, CancellationToken cancellation)
        => ReasonAgainst(item) is { } reason ? output.PushAsync(Rejected, new(reason, item)) : output.PushAsync(item);

    private static string? ReasonAgainst(Payment payment)
    {
        if (WrongWith(payment.Account) is { } account) return $"the account {account}";
        if (WrongWith(payment.Payee) is { } payee) return $"the payee {payee}";
        if (payment.Amount <= 0) return "the amount is not above zero";
        if (payment.Amount > Most) return $"the amount is above {Most:0}";
        return payment.Amount.Scale > MostDecimals ? $"the amount has more than {MostDecimals} decimals" : null;
    }
}
