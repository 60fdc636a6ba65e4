namespace Samples;

/// <summary>Something only the user can put right. Shown as one line, without a stack trace; the exit code is 2.</summary>
internal sealed class UserMistake : Exception
{
    public UserMistake(string message) : base(message)
    {
    }

    public UserMistake(string message, Exception cause) : base(message, cause)
    {
    }
}
