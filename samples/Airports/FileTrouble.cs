namespace Airports;

/// <summary>Says in a few plain words why a file could not be opened, read or written.</summary>
internal static class FileTrouble
{
    public static string Describe(Exception cause) => cause switch
    {
        FileNotFoundException => "there is no such file",
        DirectoryNotFoundException => "there is no such directory",
        UnauthorizedAccessException => "access is denied",
        PathTooLongException => "its name is too long",
        // What .NET makes of EFBIG, when a write passes the limit of `ulimit -f`.
        ArgumentOutOfRangeException => "the file has reached the size limit",
        // "No space left on device : '/the/path'": the path is named by whoever shows this.
        _ => cause.Message.Split(" : '")[0].TrimEnd('.'),
    };
}
