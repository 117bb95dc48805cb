using System.CommandLine;
using Framelease.Cli.Connecting;
using Framelease.Cli.Events;

namespace Framelease.Cli.Commands;

/// <summary><c>framelease events</c>: the event log itself, read from the database.</summary>
static class EventsCommand
{
    public static Command Create(GlobalOptions globals, Shell shell) =>
        new("events", "The event log itself: follow it, show a stream, check it, rebuild its views")
    {
        EventLog.Postgres, EventLog.DataDir,
        TailEvents.Create(globals, shell), ShowEvents.Create(globals, shell), VerifyEvents.Create(globals, shell),
            RebuildViews.Create(globals, shell),
    };
}
