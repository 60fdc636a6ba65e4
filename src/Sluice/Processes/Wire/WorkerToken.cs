using System.Security.Cryptography;

namespace Sluice;

/// <summary>What a worker is given when it is started: where to connect, and by what to be known. It is in the environment, which other users cannot read.</summary>
internal sealed record WorkerToken(string Socket, byte[] Token, int MaxItemBytes)
{
    /// <summary>The first of a worker's arguments; the name of the body follows.</summary>
    public const string Argument = "--sluice-worker";

    /// <summary>For workers of a pipeline's stage.</summary>
    public const string Variable = "SLUICE_WORKER";

    public const int TokenBytes = 32;

    private const int HeadLength = (2 * TokenBytes) + 8;

    public static WorkerToken To(string socket, int maxItemBytes) => new(socket, RandomNumberGenerator.GetBytes(TokenBytes), maxItemBytes);

    /// <summary>Whether this process was started as a worker, and has not looked.</summary>
    public static bool IsWaiting => Environment.GetEnvironmentVariable(Variable) is not null;

    /// <summary>Takes it out of the environment: processes that this one starts are not meant.</summary>
    /// <returns>Null if there is none.</returns>
    public static WorkerToken? Take(string variable = Variable)
    {
        string? text = Environment.GetEnvironmentVariable(variable);
        if (text is null || text.Length <= HeadLength) return null;
        Environment.SetEnvironmentVariable(variable, null);
        return new(text[HeadLength..], Convert.FromHexString(text.AsSpan(0, 2 * TokenBytes)),
            int.Parse(text.AsSpan(2 * TokenBytes, 8), System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>The form in which it is in the environment.</summary>
    public string Text => $"{Convert.ToHexString(Token)}{MaxItemBytes:X8}{Socket}";

    public bool IsFor(ReadOnlySpan<byte> token) => CryptographicOperations.FixedTimeEquals(Token, token);

    /// <summary>Never the token.</summary>
    public override string ToString() => Socket;
}
