using System.Reflection;
using System.Text.Json;

/// <summary>
/// Runs in a program that <c>WarmProgram</c> starts, before its <c>Main</c>, and executes one command line after the other there. Many
/// commands then need one process. .NET finds the class by its name, which has no namespace (DOTNET_STARTUP_HOOKS).
/// </summary>
/// <remarks>
/// Each line of the input is a JSON list: the program, the folder, and the arguments. Each line of the output is the exit code, the output
/// and the errors. The program has no other assemblies of the tests, so this class uses types of .NET only.
/// </remarks>
internal static class StartupHook
{
    public static void Initialize()
    {
        // Programs that this one starts are no hosts of commands.
        Environment.SetEnvironmentVariable("DOTNET_STARTUP_HOOKS", null);
        (TextReader commands, TextWriter answers) = (Console.In, Console.Out);
        Console.SetIn(TextReader.Null);
        while (commands.ReadLine() is { } line)
        {
            string[] words = JsonSerializer.Deserialize<string[]>(line)!;
            StringWriter output = new(), errors = new();       // not disposed: a thread that the command has left may still write
            (int exitCode, string folder) = (0, Environment.CurrentDirectory);
            Environment.ExitCode = 0;
            Console.SetOut(output);
            Console.SetError(errors);
            Environment.CurrentDirectory = words[1];
            try
            {
                MethodInfo main = Assembly.Load(words[0]).EntryPoint!;
                exitCode = main.Invoke(null, [words[2..]]) as int? ?? Environment.ExitCode;
            }
            catch (TargetInvocationException failure)
            {
                // As .NET does for a process: the runtime writes the exception and aborts.
                exitCode = 134;
                errors.WriteLine($"Unhandled exception. {failure.InnerException}");
            }
            Console.SetOut(TextWriter.Null);
            Console.SetError(TextWriter.Null);
            Environment.CurrentDirectory = folder;                        // the test deletes its own
            answers.WriteLine(JsonSerializer.Serialize(new[] { $"{exitCode}", output.ToString(), errors.ToString() }));
            answers.Flush();
        }
        Environment.Exit(0);
    }
}
