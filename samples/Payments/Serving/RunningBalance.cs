using Sluice;

namespace Payments.Serving;

/// <summary>Adds payments up, account by account. What it remembers is stored in the commits that settle the payments, so that each is
/// counted once.</summary>
internal sealed class RunningBalance : StatefulStageNode<Payment, Booking, Account>
{
    protected override ValueTask ProcessAsync(Payment item, Output<Booking> output, CancellationToken cancellation)
    {
        State = new Account(State.Balance + item.Amount, State.Payments + 1);
        return output.PushAsync(new Booking(item.Account, State.Payments, item.Amount, item.Payee, State.Balance));
    }
}
