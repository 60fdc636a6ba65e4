namespace Payments.Serving;

/// <summary>Payments that always fail, for a look at dead letters.</summary>
/// <param name="payee">How the payee begins; null for none.</param>
internal sealed class Poison(string? payee)
{
    /// <exception cref="InvalidOperationException">It is one of them.</exception>
    public Payment Meet(Payment payment) => payee is not null && payment.Payee.StartsWith(payee, StringComparison.Ordinal)
        ? throw new InvalidOperationException($"{payment.Payee} takes no payments")
        : payment;
}
