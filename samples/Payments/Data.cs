namespace Payments;

/// <summary>What is posted: all three are there, or it is no payment.</summary>
internal sealed record Payment(string Account, decimal Amount, string Payee);

/// <summary>What is remembered of an account: what its payments add up to, and how many they were.</summary>
internal readonly record struct Account(decimal Balance, long Payments);

/// <summary>A change of a balance: the payment, the how manieth of its account it was, and the balance after it.</summary>
internal sealed record Booking(string Account, long Number, decimal Amount, string Payee, decimal Balance);

/// <summary>A payment that was accepted, and then found to be wrong.</summary>
internal sealed record Rejection(string Reason, Payment Payment);

/// <summary>What was booked in a stretch of time.</summary>
internal sealed record Total(DateTimeOffset From, DateTimeOffset To, int Payments, decimal Amount);
